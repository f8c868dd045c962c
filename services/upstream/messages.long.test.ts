import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { RequestStatus, Surface } from '@tollgate/contracts';
import { type AnthropicSimulator, startAnthropicSimulator } from '@tollgate/testing/anthropic';
import { Harness } from './testing/harness.ts';
import { type Answer, target } from './testing/peer.ts';

// Anthropic's own surface, passed through, against its simulator over real NATS.

let harness: Harness;
let simulator: AnthropicSimulator;

const sonnet = 'claude-sonnet-4-5';
const haiku = 'claude-haiku-4-5';

before(async () => {
  [harness, simulator] = await Promise.all([
    Harness.start(),
    // The key that the harness keeps in a file.
    startAnthropicSimulator({ apiKey: 'azure-simulator-key' }),
  ]);
  const models = `[{ name: sonnet, deployment: ${sonnet}, baseModel: ${sonnet} }, { name: haiku, deployment: ${haiku}, baseModel: ${haiku} }]`;
  const provider = harness.provider('claude', { type: 'anthropic', endpoint: simulator.address, models });
  const prices = `
  gpt-4o: { prompt: 2.50, completion: 10.00 }
  gpt-4o-mini: { prompt: 0.15, completion: 0.60 }
  ${sonnet}: { prompt: 3.00, cachedPrompt: 0.30, cacheWrite: 3.75, completion: 15.00 }
  ${haiku}: { prompt: 1.00, cachedPrompt: 0.10, cacheWrite: 1.25, completion: 5.00 }`;
  await harness.apply(harness.provider('azure') + provider, prices);
  await harness.service('upstream-1');
});
after(async () => {
  await harness?.close();
  await simulator?.close();
});
beforeEach(() => simulator.reset());

const at = (model: 'sonnet' | 'haiku') => {
  const deployment = model === 'sonnet' ? sonnet : haiku;
  return target('gpt-4o', { provider: 'claude', model, deployment, baseModel: deployment });
};

function ask(prompt: string, body: object = {}, more: object = {}): Promise<Answer> {
  const own = { model: 'x', max_tokens: 200, messages: [{ role: 'user', content: prompt }], ...body };
  return harness.peer.ask({ body: own, surface: Surface.MESSAGES, targets: [at('sonnet')], ...more });
}

const eventsOf = (text: string) =>
  [...text.matchAll(/^event: (.+)\ndata: (.+)$/gm)].map(([, name, data = '']) => ({ name, data: JSON.parse(data) }));

test('a call goes out as it came, but for its model, with the headers that its caller chose; what its cache did is priced', async () => {
  simulator.addFault({ cachedTokens: 4, cacheWriteTokens: 3 });
  const headers = { 'anthropic-beta': 'one-2025-01-01,two', 'anthropic-version': '2023-01-01', 'openai-beta': 'no' };
  const system = [{ type: 'text', text: 'Be kind.', cache_control: { type: 'ephemeral' } }];
  const answer = await ask('What is the capital of France?', { system }, { headers });
  assert.equal(answer.status, 200, answer.text);
  assert.equal(JSON.parse(answer.text).content[0].text, 'The capital of France is Paris.');
  const [call] = simulator.calls();
  assert.deepEqual(JSON.parse(call?.body ?? ''), {
    ...{ model: sonnet, max_tokens: 200, messages: [{ role: 'user', content: 'What is the capital of France?' }] },
    system,
  });
  assert.equal(call?.path, '/v1/messages');
  const sent = call?.headers ?? {};
  assert.deepEqual([sent['anthropic-beta'], sent['anthropic-version']], ['one-2025-01-01,two', '2023-01-01']);
  assert.deepEqual([sent['openai-beta'], sent.authorization], [undefined, undefined]);
  const row = await harness.peer.row(answer.requestId);
  const { promptTokens, completionTokens } = call?.usage ?? { promptTokens: 0, completionTokens: 0 };
  const { prompt, completion, cachedPrompt, cacheWritePrompt } = row.billed ?? {};
  assert.deepEqual([prompt, completion, cachedPrompt, cacheWritePrompt], [promptTokens, completionTokens, 4, 3]);
  const cost = (promptTokens - 7) * 3000 + 4 * 300 + 3 * 3750 + completionTokens * 15_000;
  assert.equal(row.costNanoUsd, cost);
  assert.equal(answer.headers['x-tollgate-cost-usd'], (cost / 1e9).toFixed(9).replace(/0+$/, ''));
  assert.equal(row.estimated, false);
});

test('without a version of the caller ours goes out', async () => {
  await ask('Hello');
  assert.equal(simulator.calls()[0]?.headers['anthropic-version'], '2023-06-01');
});

test('a stream passes event by event, pings too, and says what it cost where it says what it used', async () => {
  simulator.addFault({ pings: true });
  const tools = [{ name: 'weather', input_schema: { type: 'object', properties: { city: { type: 'string' } } } }];
  const thinking = { type: 'enabled', budget_tokens: 50 };
  const answer = await ask('call weather with {"city":"Paris"}', { stream: true, tools, thinking });
  const events = eventsOf(answer.text);
  assert.equal(events[0]?.name, 'message_start');
  assert.ok(events.filter(({ name }) => name === 'ping').length > 3);
  const deltas = events.map(({ data }) => data.delta?.type).filter(Boolean);
  for (const kind of ['thinking_delta', 'signature_delta', 'input_json_delta']) assert.ok(deltas.includes(kind), kind);
  assert.equal(events.at(-1)?.name, 'message_stop');
  const row = await harness.peer.row(answer.requestId);
  const issued = simulator.totals().all.issued;
  assert.deepEqual([row.billed?.prompt, row.billed?.completion], [issued.promptTokens, issued.completionTokens]);
  const { usage } = events.at(-2)?.data ?? {};
  assert.equal(usage.output_tokens, issued.completionTokens);
  assert.equal(usage['x-tollgate-cost-usd'], row.costNanoUsd / 1e9);
  assert.equal(row.status, RequestStatus.COMPLETED);
  assert.ok(row.ttftMs > 0);
});

for (const stream of [false, true]) {
  for (const fault of [
    { kind: 'status', status: 529, retryAfterSeconds: 3 },
    { kind: 'errorInOk', status: 529 },
    { kind: 'cut' },
  ] as const) {
    test(`before the first content another target answers: ${fault.kind}, ${stream ? 'stream' : 'JSON'}`, async () => {
      simulator.addFault({ ...fault, deployment: sonnet });
      const targets = [at('sonnet'), at('haiku')];
      const answer = await ask('What is the capital of France?', { stream }, { targets });
      assert.equal(answer.status, 200, answer.text);
      assert.equal(answer.headers['x-tollgate-model'], 'haiku');
      const row = await harness.peer.row(answer.requestId);
      const [first, second] = row.attempts;
      assert.equal(second?.code, '');
      if (fault.kind === 'cut') return;
      assert.equal(first?.code, 'overloaded_error');
      const [report] = await harness.peer.reportsOf(answer.requestId);
      const waitMs = fault.kind === 'status' ? 3000 : 0;
      assert.deepEqual([report?.outcome, report?.retryAfterMs], ['suspend', waitMs]);
    });
  }
}

test('a stream that breaks after its first content ends with an error and is charged for its prompt and what came', async () => {
  for (const kind of ['cut', 'truncate', 'garbage', 'errorInOk'] as const) {
    simulator.addFault({ kind, status: 529, afterChunks: 3, count: 1 });
    const answer = await ask('Write 50 words', { stream: true }, { targets: [at('sonnet'), at('haiku')] });
    assert.equal(answer.end.error?.code, 'upstream_error', kind);
    const events = eventsOf(answer.text);
    assert.ok(!events.some(({ name }) => name === 'message_stop' || name === 'error'), kind);
    const row = await harness.peer.row(answer.requestId);
    assert.deepEqual([row.status, row.estimated], [RequestStatus.TRUNCATED, true], kind);
    const { input_tokens } = events[0]?.data.message.usage ?? {};
    assert.equal(row.billed?.prompt, input_tokens, kind);
    assert.ok((row.billed?.completion ?? 0) > 0, kind);
  }
});

test("a refusal is the caller's to read, whole; a wrong credential is ours to mend", async () => {
  const refused = await ask('x', { stream_options: {} });
  assert.equal(refused.status, 400);
  const { type, error, request_id } = JSON.parse(refused.text);
  assert.deepEqual([type, error.message], ['error', 'stream_options: Extra inputs are not permitted']);
  assert.match(request_id, /^req_01/);
  assert.equal((await harness.peer.row(refused.requestId)).code, 'invalid_request_error');
  simulator.addFault({ kind: 'status', status: 401 });
  assert.equal((await ask('x')).end.error?.code, 'upstream_misconfigured');
});

test('counting tokens passes, costs nothing and names no model', async () => {
  const body = { model: 'x', messages: [{ role: 'user', content: 'What is the capital of France?' }] };
  const more = { surface: Surface.COUNT_TOKENS, targets: [at('sonnet')] };
  const answer = await harness.peer.ask({ body, ...more });
  assert.deepEqual([answer.status, JSON.parse(answer.text)], [200, { input_tokens: 14 }]);
  assert.equal(simulator.calls()[0]?.path, '/v1/messages/count_tokens');
  const row = await harness.peer.row(answer.requestId);
  const { prompt, completion } = row.billed ?? {};
  assert.deepEqual([row.costNanoUsd, prompt, completion, row.model, row.estimated], [0, 0, 0, '', false]);
  assert.equal(row.status, RequestStatus.COMPLETED);
  simulator.addFault({ kind: 'status', status: 429, deployment: sonnet });
  const second = await harness.peer.ask({ body, ...more, targets: [at('sonnet'), at('haiku')] });
  assert.equal(second.status, 200);
  const after = await harness.peer.row(second.requestId);
  assert.deepEqual([after.costNanoUsd, after.attempts.length], [0, 2]);
  const suspended = harness.peer.reports.filter(({ requestId }) => requestId === second.requestId);
  assert.deepEqual(suspended, [], 'limits of counting are apart from those of the model');
});
