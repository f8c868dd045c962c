import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import OpenAI from 'openai';
import { demoOf } from '../support/demo.ts';
import { type System, sharedSystem } from '../support/system.ts';
import { until } from '../support/until.ts';

// A target that fails before its first content is not the caller's trouble; when all rest, the caller is told until when.

/** Longer than a few requests take on a busy machine. */
const restSeconds = 4;

let system: System;
let simulator: Awaited<ReturnType<System['simulator']>>;
/** The demo, for the tests that come later. */
let provided: string;
let client: OpenAI;

/** Targets of this test alone: what rests here rests for no other one. */
function withFailover(demo: string): string {
  const models = ['one', 'two'].map((name) => `{ model: ${name} }`).join(', ');
  return demo
    .replace(
      'models: [gpt-4o,',
      'models: [{ name: one, deployment: gpt-4o, baseModel: gpt-4o }, { name: two, deployment: gpt-4o-mini, baseModel: gpt-4o-mini }, gpt-4o,',
    )
    .concat(`
      - name: failover
        context: /failover
        provider: azure-openai
        guardrails:
          - modelRotation: { strategy: round-robin, models: [${models}], suspendDurationSeconds: ${restSeconds} }
`);
}

before(async () => {
  system = sharedSystem();
  const { gatewayUrl } = await system.status();
  simulator = await system.simulator();
  provided = await demoOf(system);
  await system.apply(withFailover(provided));
  const { key } = await system.createKey('engineering', 'failover');
  client = new OpenAI({ baseURL: `${gatewayUrl}/failover/v1`, apiKey: key, maxRetries: 0 });
});
afterEach(() => simulator.clearFaults());
after(() => system.apply(provided));

interface Row {
  status: string;
  http_status: number;
  attempts: number;
  attempt_models: string[];
  attempt_http_statuses: number[];
}

const rowOf = (requestId: string | null | undefined) =>
  until('the row', async () => {
    const [row] = await system.sql<Row>(
      `SELECT status, http_status, attempts, attempt_models, attempt_http_statuses FROM usage WHERE request_id = '${requestId}'`,
    );
    return row;
  });

const question = { model: '', messages: [{ role: 'user' as const, content: 'Who answers when one is away?' }] };
const rested = () => new Promise((resolve) => setTimeout(resolve, restSeconds * 1000 + 100));

for (const stream of [false, true]) {
  test(`one target answers 503, ${stream ? 'a stream' : 'JSON'}: the other serves, and the sick one rests`, async () => {
    await simulator.addFault({ kind: 'status', status: 503, deployment: 'gpt-4o' });
    const answers: { requestId: string | null; attempts: string | null }[] = [];
    // As many as let the sick one have two turns if it did not rest.
    for (let asked = 0; asked < 4; asked++) {
      let text: string | null | undefined = '';
      const call = client.chat.completions.create({ ...question, stream });
      const { data, response } = await call.withResponse();
      if ('choices' in data) text = data.choices[0]?.message.content;
      else for await (const chunk of data) text += chunk.choices[0]?.delta.content ?? '';
      assert.ok(text);
      assert.equal(response.headers.get('x-tollgate-model'), 'two');
      const { headers } = response;
      answers.push({ requestId: headers.get('x-request-id'), attempts: headers.get('x-tollgate-attempts') });
    }
    const twice = answers.filter(({ attempts }) => attempts === '2').length;
    assert.equal(twice, 1, answers.map(({ attempts }) => attempts).join());
    // Not before: on a busy machine a rest is over sooner than a row is there.
    for (const { requestId, attempts } of answers) {
      const tried = attempts === '2' ? [['one', 503] as const, ['two', 200] as const] : [['two', 200] as const];
      assert.deepEqual(await rowOf(requestId), {
        ...{ status: 'completed', http_status: 200, attempts: tried.length },
        attempt_models: tried.map(([model]) => model),
        attempt_http_statuses: tried.map(([, status]) => status),
      });
    }
    await rested();
  });
}

test('both answer 429: the caller too, then 503 without a call until the first has rested, then an answer', async () => {
  await simulator.addFault({ kind: 'status', status: 429 });
  const refusal = () =>
    client.chat.completions.create(question).then(
      () => assert.fail('it was answered'),
      (error: InstanceType<typeof OpenAI.APIError>) => error,
    );
  const first = await refusal();
  assert.deepEqual([first.status, first.code], [429, 'upstream_rate_limited']);
  // The router hears of it at the same time as the caller.
  await until('all rest', async () => (await refusal()).status === 503 || undefined);
  const calls = (await simulator.calls()).length;
  const second = await refusal();
  assert.deepEqual([second.status, second.code], [503, 'all_models_suspended']);
  const waitMs = Number(second.headers?.get('retry-after-ms'));
  assert.ok(waitMs > 0 && waitMs <= restSeconds * 1000, String(waitMs));
  assert.equal((await simulator.calls()).length, calls);
  await simulator.clearFaults();
  await rested();
  assert.ok((await client.chat.completions.create(question)).choices[0]?.message.content);
  const { status, http_status, attempts } = await rowOf(second.requestID);
  assert.deepEqual([status, http_status, attempts], ['failed', 503, 0]);
});
