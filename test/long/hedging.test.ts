import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import type { RemoteAzureSimulator } from '@tollgate/testing/azure';
import { Redis } from 'ioredis';
import { newSystem, type System } from '../support/system.ts';
import { until } from '../support/until.ts';

// A second call beside a first one that is silent, through the whole gateway. Where the first is to lose it hangs for good, so
// that an answer can only be the second's.

let system: System;
let gatewayUrl: string;
let simulator: RemoteAzureSimulator;
let redis: Redis;
const keys: Record<string, string> = {};

/** Each has a share of its own, and in that of the first ones half of the requests have room. */
const proxy = (name: string, models: string, share = 0.5) => `
      - name: ${name}
        context: /${name}
        provider: azure-openai
        guardrails:
          - modelRotation: { strategy: priority, suspendDurationSeconds: 0, hedgeAfterMs: 300, hedgeMaxShare: ${share}, models: [${models}] }`;

const both = '{ model: gpt-4o }, { model: gpt-4o-mini }';
const far = 'provider: openai';

const configuration = (endpoint: string) => `
organization: sampleorganization
priceList:
  gpt-4o: { prompt: 2.50, cachedPrompt: 1.25, completion: 10.00 }
  gpt-4o-mini: { prompt: 0.15, cachedPrompt: 0.075, completion: 0.60 }
providers:
  - name: azure-openai
    type: azure-openai
    endpoint: ${endpoint}
    apiKey: { env: AZURE_OPENAI_API_KEY }
    apiVersion: "2025-04-01-preview"
    region: westeurope
    models: [gpt-4o, gpt-4o-mini]
  - name: openai
    type: openai
    endpoint: ${endpoint}/openai/v1
    apiKey: { env: AZURE_OPENAI_API_KEY }
    region: eastus
    models: [{ name: far, deployment: gpt-4o, baseModel: gpt-4o }, { name: far-mini, deployment: gpt-4o-mini, baseModel: gpt-4o-mini }]
projects:
  - name: sample-project
    limits: [{ tokens: 1000000, window: 1h, rolling: true }]
    teams:
      - { name: free }
      - { name: budgeted, limits: [{ tokens: 1000000, window: 1y }, { costUsd: 50, window: 1y }, { requests: 1000, window: 1y }] }
      - { name: filling, limits: [{ tokens: 20000, window: 1y, mode: strict }] }
      - { name: tight, limits: [{ tokens: 5000, window: 1y }] }
      - { name: eastern, regions: [eastus] }
      - { name: western, regions: [westeurope] }
    proxies:${[
      proxy('open', both),
      proxy('rare', both, 0.25),
      proxy('mixed', `{ model: far, ${far} }, { model: gpt-4o }, { model: far-mini, ${far} }`),
    ].join('')}
`;

before(async () => {
  system = await newSystem();
  await system.start();
  const status = await system.status();
  gatewayUrl = status.gatewayUrl;
  simulator = await system.simulator();
  redis = new Redis(status.redisUrl);
  const file = path.join(system.home, 'hedging.yaml');
  await writeFile(file, configuration(status.simulatorUrl ?? ''));
  await system.cli('apply', '--file', file, '--yes');
  await until('all services have it', async () => {
    const { ready, services } = await system.status();
    return (ready && services.every((service) => service.ready)) || undefined;
  });
  for (const team of ['free', 'budgeted', 'filling', 'tight', 'eastern', 'western'])
    keys[team] = (await system.createKey(team, 'hedging')).key;
});
after(async () => {
  redis?.disconnect();
  await system?.remove();
});
beforeEach(() => simulator.reset());

interface Ask {
  team?: string;
  context?: string;
  stream?: boolean;
  outputTokensMax?: number;
  idempotencyKey?: string;
  /** How the simulator disturbs the call, in the prompt. */
  sim?: object;
}

interface Answered {
  response: Response;
  text: string;
}

async function ask({ team = 'free', context = 'open', sim, ...more }: Ask = {}): Promise<Answered> {
  const { stream = false, outputTokensMax = 100, idempotencyKey } = more;
  const told = sim === undefined ? '' : ` [[sim ${JSON.stringify(sim)}]]`;
  const content = `Repeat that nobody waits ${randomUUID()}${told}`;
  return send({ team, context, idempotencyKey }, { stream, max_tokens: outputTokensMax, content });
}

async function send(
  { team, context, idempotencyKey }: { team: string; context: string; idempotencyKey: string | undefined },
  { content, ...more }: { content: string; stream: boolean; max_tokens: number },
): Promise<Answered> {
  const response = await fetch(`${gatewayUrl}/${context}/v1/chat/completions`, {
    method: 'POST',
    headers: {
      ...{ 'content-type': 'application/json', 'x-api-key': keys[team] ?? '' },
      ...(idempotencyKey !== undefined && { 'idempotency-key': idempotencyKey }),
    },
    body: JSON.stringify({ model: '', messages: [{ role: 'user', content }], ...more }),
  });
  return { response, text: await response.text() };
}

/**
 * Makes room in the share of a proxy by requests that are not hedged, however slow they are: a strict limit has no room for it. More
 * than one, as of a request in another half minute only a part may count.
 */
async function makeRoom(context = 'open'): Promise<void> {
  for (let made = 0; made < 3; made++) {
    const { response } = await until('one is admitted beside those that are not settled yet', async () => {
      const answered = await ask({ team: 'filling', context, outputTokensMax: 15_000 });
      return answered.response.status === 200 ? answered : undefined;
    });
    assert.equal(response.headers.get('x-tollgate-attempts'), '1');
  }
  await nothingIsReserved();
  await simulator.reset();
}

const silent = (deployment: string) => ({ kind: 'hangBeforeHeaders', deployment });

interface Row {
  model: string;
  status: string;
  attempts: number;
  tokens: number;
  models: string[];
  codes: string[];
  /** Dollars' billionths; of the row, then of each attempt. */
  cost: number;
  costs: number[];
  prompts: number[];
}

function rowOf({ response }: Answered): Promise<Row> {
  const id = response.headers.get('x-request-id');
  return until('the row', async () => {
    const [row] = await system.sql<Row>(
      `SELECT model, toString(status) AS status, attempts, attempt_models AS models, attempt_codes AS codes,
         toFloat64(prompt_tokens + completion_tokens) AS tokens,
         toFloat64(cost_nano_usd) AS cost, arrayMap(c -> toFloat64(c), attempt_costs_nano_usd) AS costs,
         arrayMap(p -> toFloat64(p), attempt_prompt_tokens) AS prompts
       FROM usage WHERE request_id = '${id}'`,
    );
    return row;
  });
}

/** What all counters of the budget Redis hold for requests that run. */
async function reserved(scope: string): Promise<number> {
  const names = (await redis.keys('*:c:*')).filter((name) => name.includes(scope));
  let sum = 0;
  for (const name of names) {
    for (const [field, amount] of Object.entries(await redis.hgetall(name)))
      if (field.startsWith('reserved')) sum += Number(amount);
  }
  return sum;
}

const nothingIsReserved = (timeoutMs = 20_000) =>
  until('nothing is reserved', async () => ((await reserved('')) === 0 ? true : undefined), timeoutMs);

async function told(outcome: string): Promise<number> {
  const { services } = await system.status();
  let sum = 0;
  for (const { name, health } of services) {
    if (name !== 'upstream') continue;
    const text = await (await fetch(`${health}/metrics`)).text();
    const line = new RegExp(`^tollgate_upstream_hedges_total\\{outcome="${outcome}",.*\\} (\\d+)$`, 'm').exec(text);
    sum += Number(line?.[1] ?? 0);
  }
  return sum;
}

const called = async () => (await simulator.calls()).map(({ deployment }) => deployment);

/** The second answered, the first was cut off; both are in the row and on the bill. */
async function assertHedged(answered: Answered): Promise<void> {
  const { response, text } = answered;
  assert.equal(response.status, 200, text);
  assert.match(text, /nobody/);
  assert.equal(response.headers.get('x-tollgate-model'), 'gpt-4o-mini');
  assert.deepEqual(await called(), ['gpt-4o', 'gpt-4o-mini'], 'the first was called first');
  const [lost] = await simulator.waitForCalls({ deployment: 'gpt-4o', ended: true });
  assert.equal(lost?.aborted, true, 'its socket is closed');
  const [won] = await simulator.calls({ deployment: 'gpt-4o-mini' });
  const row = await rowOf(answered);
  assert.deepEqual([row.model, row.status, row.attempts], ['gpt-4o-mini', 'completed', 2]);
  assert.deepEqual(
    [row.models, row.codes],
    [
      ['gpt-4o', 'gpt-4o-mini'],
      ['hedged', ''],
    ],
  );
  assert.equal(row.prompts[1], won?.usage?.promptTokens);
  assert.ok((row.prompts[0] ?? 0) > 0 && row.costs.every((cost) => cost > 0), JSON.stringify(row));
  assert.equal(row.cost, (row.costs[0] ?? 0) + (row.costs[1] ?? 0));
}

test('under a hard limit without room for a second call there is none, and the first answers', async () => {
  await makeRoom();
  const refused = await told('refused');
  const answered = await ask({ team: 'tight', outputTokensMax: 3000, sim: { delayMs: 2000, deployment: 'gpt-4o' } });
  assert.equal(answered.response.status, 200, answered.text);
  assert.equal(answered.response.headers.get('x-tollgate-model'), 'gpt-4o');
  assert.deepEqual(await called(), ['gpt-4o']);
  assert.equal((await told('refused')) - refused, 1);
  assert.equal((await rowOf(answered)).attempts, 1);
  await nothingIsReserved();
});

for (const stream of [false, true]) {
  for (const team of ['free', 'budgeted']) {
    const under = team === 'free' ? "under a project's rolling limit" : 'under hard limits with room';
    test(`${under}, ${stream ? 'a stream' : 'JSON'}: the second answers, the first is cut off`, async () => {
      await makeRoom();
      const sent = await told('sent');
      await assertHedged(await ask({ team, stream, sim: silent('gpt-4o') }));
      assert.equal((await told('sent')) - sent, 1);
      await nothingIsReserved();
    });
  }
}

test('while both run both are reserved; a killed owner leaves a row for both, and nothing stays reserved', async () => {
  await makeRoom();
  await simulator.addFault({ kind: 'hangBeforeHeaders' });
  const asked = ask({ team: 'budgeted', outputTokensMax: 1000 });
  await simulator.waitForCalls({}, { count: 1 });
  const once = await until('it is reserved', async () => (await reserved(':tokens:1y:')) || undefined);
  await simulator.waitForCalls({}, { count: 2 });
  const twice = await reserved(':tokens:1y:');
  assert.ok(once === twice || 2 * once === twice, `${once}, ${twice}`);
  assert.ok(twice > 2000, 'a thousand for each answer');
  const { services } = await system.status();
  const upstream = services.find(({ name }) => name === 'upstream');
  await system.control('POST', `/services/${upstream?.replica}/kill`);
  const answered = await asked;
  assert.equal(answered.response.status, 502, answered.text);
  await nothingIsReserved(90_000);
  const row = await rowOf(answered);
  assert.deepEqual([row.status, row.tokens], ['abandoned', twice]);
  await until('upstream is back', async () => ((await system.status()).ready ? true : undefined), 60_000);
});

test('the share holds: of five requests in turn the fourth is hedged', async () => {
  const models: (string | null)[] = [];
  for (let turn = 1; turn <= 5; turn++) {
    const sim = turn === 4 ? silent('gpt-4o') : { delayMs: 1500, deployment: 'gpt-4o' };
    const { response } = await ask({ context: 'rare', sim });
    models.push(response.headers.get('x-tollgate-model'));
  }
  assert.deepEqual(models, ['gpt-4o', 'gpt-4o', 'gpt-4o', 'gpt-4o-mini', 'gpt-4o']);
  assert.equal((await called()).length, 6);
});

test('a hedge never leaves the regions of its team', async () => {
  await makeRoom('mixed');
  await simulator.addFault({ kind: 'hangBeforeHeaders', count: 1 });
  const answered = await ask({ team: 'eastern', context: 'mixed' });
  assert.equal(answered.response.headers.get('x-tollgate-model'), 'far-mini', answered.text);
  assert.deepEqual((await rowOf(answered)).models, ['far', 'far-mini'], 'over the model of another region');
  const paths = (await simulator.calls()).map((call) => call.path.split('?')[0]);
  assert.deepEqual(paths, ['/openai/v1/chat/completions', '/openai/v1/chat/completions']);
  await simulator.reset();
  const sim = { delayMs: 2000, deployment: 'gpt-4o' };
  const alone = await ask({ team: 'western', context: 'mixed', sim });
  assert.equal(alone.response.headers.get('x-tollgate-model'), 'gpt-4o');
  assert.deepEqual(await called(), ['gpt-4o'], 'there is no second place for it');
});

for (const stream of [false, true]) {
  test(`a retry with the idempotency key of a hedged ${stream ? 'stream' : 'request'} reads the winner's answer`, async () => {
    await makeRoom();
    const of = { team: 'free', context: 'open', idempotencyKey: randomUUID() };
    const content = `Repeat that nobody waits ${of.idempotencyKey} [[sim ${JSON.stringify(silent('gpt-4o'))}]]`;
    const body = { content, stream, max_tokens: 100 };
    const first = await send(of, body);
    await assertHedged(first);
    const retry = await send(of, body);
    assert.equal(retry.response.status, 200, retry.text);
    assert.equal(retry.text, first.text);
    assert.equal(retry.response.headers.get('x-tollgate-replay-of'), first.response.headers.get('x-request-id'));
    assert.equal((await called()).length, 2, 'nobody was called again');
    assert.equal((await rowOf(retry)).status, 'replayed');
  });
}
