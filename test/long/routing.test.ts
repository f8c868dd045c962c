import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import OpenAI from 'openai';
import { newSystem, type System } from '../support/system.ts';
import { until } from '../support/until.ts';

// Every strategy through the whole gateway, with two routers: seen by x-tollgate-model, and by what the provider was asked.

let system: System;
let gatewayUrl: string;
let simulator: Awaited<ReturnType<System['simulator']>>;
let redis: Redis;
const keys: Record<string, string> = {};

const proxy = (name: string, rotation: string) => `
      - name: ${name}
        context: /${name}
        provider: azure-openai
        guardrails: [{ modelRotation: { ${rotation} } }]`;

const both = 'models: [{ model: gpt-4o }, { model: gpt-4o-mini }]';

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
    models: [gpt-4o, gpt-4o-mini, { name: small, deployment: gpt-4o-mini, baseModel: gpt-4o-mini, rpm: 6 }, { name: narrow, deployment: gpt-4o-mini, baseModel: gpt-4o-mini, tpm: 1200 }]
  - name: openai
    type: openai
    endpoint: ${endpoint}/openai/v1
    apiKey: { env: AZURE_OPENAI_API_KEY }
    region: eastus
    models: [{ name: over-there, deployment: gpt-4o, baseModel: gpt-4o }]
projects:
  - name: sample-project
    teams:
      - name: engineering
      - { name: product, regions: [westeurope] }
      - { name: sales, regions: [eastus] }
    proxies:${[
      proxy('weighted', 'strategy: weighted, models: [{ model: gpt-4o, weight: 3 }, { model: gpt-4o-mini }]'),
      proxy('priority', `strategy: priority, suspendDurationSeconds: 300, ${both}`),
      proxy('lowest-cost', `strategy: lowest-cost, ${both}`),
      proxy('least-busy', `strategy: least-busy, ${both}`),
      proxy('least-latency', `strategy: least-latency, ${both}`),
      proxy('mixed', 'models: [{ model: gpt-4o }, { model: over-there, provider: openai }]'),
      proxy('limited', 'models: [{ model: small }, { model: gpt-4o }]'),
      proxy('few-tokens', 'models: [{ model: narrow }, { model: gpt-4o }]'),
      proxy('turns', both),
    ].join('')}
`;

before(async () => {
  system = await newSystem();
  await system.start();
  const status = await system.status();
  gatewayUrl = status.gatewayUrl;
  simulator = await system.simulator();
  redis = new Redis(status.redisUrl);
  const file = path.join(system.home, 'routing.yaml');
  await writeFile(file, configuration(status.simulatorUrl ?? ''));
  await system.cli('apply', '--file', file, '--yes');
  await system.cli('scale', 'guard-router', '2');
  await until('two routers are ready', async () => {
    const { ready, services } = await system.status();
    const routers = services.filter(({ name, ready: one }) => name === 'guard-router' && one);
    return (ready && routers.length === 2) || undefined;
  });
  for (const team of ['engineering', 'product', 'sales']) keys[team] = (await system.createKey(team, 'routing')).key;
});
after(async () => {
  redis?.disconnect();
  await system?.remove();
});
beforeEach(() => simulator.reset());

function clientOf(context: string, team = 'engineering'): OpenAI {
  return new OpenAI({ baseURL: `${gatewayUrl}/${context}/v1`, apiKey: keys[team] ?? '', maxRetries: 0 });
}

let asked = 0;

/** The model that served, by the gateway's own word. */
async function served(client: OpenAI, more: object = {}): Promise<string> {
  const body = { model: '', messages: [{ role: 'user' as const, content: `Repeat: ${asked++}` }], ...more };
  const { response } = await client.chat.completions.create(body).withResponse();
  return response.headers.get('x-tollgate-model') ?? '';
}

async function servedInTurn(client: OpenAI, count: number, more: object = {}): Promise<string[]> {
  const models: string[] = [];
  for (let turn = 0; turn < count; turn++) models.push(await served(client, more));
  return models;
}

const count = (names: readonly string[]) => {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
};

/** By deployment, what the provider was asked. */
const calls = async () => count((await simulator.calls()).map(({ deployment }) => deployment ?? ''));

test('weighted: exact over two routers', async () => {
  const client = clientOf('weighted');
  const models = await Promise.all(Array.from({ length: 40 }, () => served(client)));
  assert.deepEqual(count(models), { 'gpt-4o': 30, 'gpt-4o-mini': 10 });
  assert.deepEqual(await calls(), { 'gpt-4o': 30, 'gpt-4o-mini': 10 });
});

test('lowest cost: the cheaper one', async () => {
  assert.deepEqual(count(await servedInTurn(clientOf('lowest-cost'), 4)), { 'gpt-4o-mini': 4 });
});

test('priority: the first of the list, until it fails; the failure is invisible', async () => {
  const client = clientOf('priority');
  assert.deepEqual(count(await servedInTurn(client, 4)), { 'gpt-4o': 4 });
  await simulator.addFault({ kind: 'status', status: 429, deployment: 'gpt-4o', count: 1 });
  assert.equal(await served(client), 'gpt-4o-mini');
  await until('it is suspended', async () => (await served(client)) === 'gpt-4o-mini' || undefined);
  assert.deepEqual(count(await servedInTurn(client, 4)), { 'gpt-4o-mini': 4 });
  // For the other tests.
  await redis.del('tg:v1:{sampleorganization}:suspended');
});

test('a rotation over two types of providers', async () => {
  assert.deepEqual(count(await servedInTurn(clientOf('mixed'), 6)), { 'gpt-4o': 3, 'over-there': 3 });
  const paths = (await simulator.calls()).map((call) => call.path.split('?')[0]);
  assert.deepEqual(count(paths as string[]), {
    '/openai/deployments/gpt-4o/chat/completions': 3,
    '/openai/v1/chat/completions': 3,
  });
});

test('regions: turns, failovers and names stay inside', async () => {
  assert.deepEqual(count(await servedInTurn(clientOf('mixed', 'product'), 4)), { 'gpt-4o': 4 });
  assert.deepEqual(count(await servedInTurn(clientOf('mixed', 'sales'), 4)), { 'over-there': 4 });
  await simulator.reset();
  await simulator.addFault({ kind: 'status', status: 500, count: 1 });
  const failed = await served(clientOf('mixed', 'product')).catch((error: unknown) => error);
  assert.ok(failed instanceof OpenAI.APIError && failed.code === 'upstream_error', String(failed));
  assert.equal((await simulator.calls()).length, 1, 'nobody outside was asked instead');
  for (const model of ['', 'small']) {
    const refused = await served(clientOf('turns', 'sales'), { model }).catch((error: unknown) => error);
    assert.ok(refused instanceof OpenAI.PermissionDeniedError, String(refused));
    assert.equal(refused.code, 'access_denied');
    assert.match(refused.message, /team sales may only go to the regions eastus/);
  }
  assert.equal((await simulator.calls()).length, 1);
  const offered = async (context: string, team: string) =>
    (await clientOf(context, team).models.list()).data.map(({ id }) => id);
  assert.deepEqual(await offered('turns', 'sales'), []);
  assert.deepEqual(await offered('turns', 'product'), ['gpt-4o', 'gpt-4o-mini', 'small', 'narrow']);
});

test('a model at its rate is passed over before its 429; asked for by name, its caller reads when it has room', async () => {
  const client = clientOf('limited');
  // Six a minute: one at once, by either way.
  assert.deepEqual(count(await servedInTurn(client, 5)), { small: 1, 'gpt-4o': 4 });
  const refused = await served(client, { model: 'small' }).catch((error: unknown) => error);
  // It is in the rotation, so that the rotation decides.
  assert.equal(refused, 'gpt-4o');
  const named = await served(clientOf('turns'), { model: 'small' }).catch((error: unknown) => error);
  assert.ok(named instanceof OpenAI.RateLimitError, String(named));
  assert.equal(named.code, 'upstream_rate_limited');
  const waitMs = Number(named.headers.get('retry-after-ms'));
  assert.ok(waitMs > 0 && waitMs <= 10_000, String(waitMs));
  assert.deepEqual(await calls(), { 'gpt-4o': 5, 'gpt-4o-mini': 1 });
});

test('a model at its tokens a minute is passed over, too', async () => {
  const client = clientOf('few-tokens');
  // 1,200 a minute, of which 200 may come at once: one answer of 150, and a short one beside it.
  assert.deepEqual(count(await servedInTurn(client, 4, { max_tokens: 150 })), { narrow: 1, 'gpt-4o': 3 });
  const named = await served(clientOf('turns'), { model: 'narrow', max_tokens: 150 }).catch((error: unknown) => error);
  assert.ok(named instanceof OpenAI.RateLimitError, String(named));
  assert.equal(named.code, 'upstream_rate_limited');
  assert.deepEqual(await calls(), { 'gpt-4o': 3, 'gpt-4o-mini': 1 });
});

test('prompt_cache_key: every turn of a conversation where the first one went', async () => {
  const client = clientOf('turns');
  const models = await Promise.all(
    ['one', 'two', 'three', 'four'].map((key) => servedInTurn(client, 4, { prompt_cache_key: key })),
  );
  for (const turns of models) assert.equal(new Set(turns).size, 1, turns.join());
  assert.equal(new Set(models.flat()).size, 2, 'first turns went round');
  assert.deepEqual(count(await servedInTurn(client, 4)), { 'gpt-4o': 2, 'gpt-4o-mini': 2 });
});

test('least latency: the faster one, once both are known', async () => {
  const client = clientOf('least-latency');
  await simulator.addFault({ deployment: 'gpt-4o', delayMs: 3000 });
  const seen = new Set<string>();
  await until('both are known', async () => seen.add(await served(client)).size === 2 || undefined, 60_000);
  assert.deepEqual(count(await servedInTurn(client, 10)), { 'gpt-4o-mini': 10 });
});

const other: Record<string, string> = { 'gpt-4o': 'gpt-4o-mini', 'gpt-4o-mini': 'gpt-4o' };

/** Requests in flight that least-busy rotations count at a model. */
const inFlight = (model: string) => redis.zcard(`tg:v1:{sampleorganization}:running:azure-openai/${model}`);

const untilIdle = (model: string, timeoutMs?: number) =>
  until(`${model} has nothing in flight`, async () => ((await inFlight(model)) === 0 ? true : undefined), timeoutMs);

/** A stream that never ends, at the model whose turn it is. */
async function hang(client: OpenAI): Promise<{ model: string; leave: AbortController }> {
  const first = await served(client);
  await untilIdle(first);
  const model = other[first] ?? '';
  await simulator.addFault({ kind: 'hang', afterChunks: 2, deployment: model, count: 1 });
  const leave = new AbortController();
  const body = { model: '', messages: [{ role: 'user' as const, content: 'Write 20 words' }], stream: true as const };
  const { response } = await client.chat.completions.create(body, { signal: leave.signal }).withResponse();
  assert.equal(response.headers.get('x-tollgate-model'), model);
  return { model, leave };
}

test('least busy: where less is running, for as long as it runs', async () => {
  const client = clientOf('least-busy');
  const { model, leave } = await hang(client);
  const free = other[model] ?? '';
  const allFree = async () => {
    for (let turn = 0; turn < 4; turn++) {
      assert.equal(await served(client), free);
      await untilIdle(free);
    }
  };
  await allFree();
  // Longer than a request counts that nobody speaks of.
  await delay(35_000);
  await allFree();
  leave.abort();
  await untilIdle(model);
});

test('least busy: what a killed upstream had in flight is forgotten', async () => {
  const client = clientOf('least-busy');
  const { model } = await hang(client);
  assert.equal(await served(client), other[model]);
  const { services } = await system.status();
  const upstream = services.find(({ name }) => name === 'upstream');
  await system.control('POST', `/services/${upstream?.replica}/kill`);
  await until(
    'another choice forgets it',
    async () => {
      await served(client).catch(() => {});
      return (await inFlight(model)) === 0 || undefined;
    },
    90_000,
    500,
  );
});
