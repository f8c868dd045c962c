import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { type Bus, connectBus, subjects } from '@tollgate/bus';
import { parseConfigFile, resolveConfig } from '@tollgate/config';
import { CacheFill, type CacheHit, Surface } from '@tollgate/contracts';
import { type GuardPool, guardPool } from '@tollgate/guard';
import { createLogger, createMetrics } from '@tollgate/telemetry';
import { startEngines, type TestEngines } from '@tollgate/testing/engines';
import { bytesOf, chatAnswer, messageAnswer, responseAnswer } from './testdata/answers.ts';

const logger = createLogger({ service: 'test', replica: 'test', level: 'silent' });
const configuration = `
organization: acme
priceList:
  gpt-4o: { prompt: 2.50, cachedPrompt: 1.25, completion: 10.00 }
providers:
  - name: azure-openai
    type: azure-openai
    endpoint: http://127.0.0.1:1
    models: [gpt-4o]
projects:
  - name: sample
    teams: [{ name: engineering }, { name: product }]
    proxies:
      - name: proxy
        version: v1.0
        context: /proxy
        provider: azure-openai
        default: true
        guardrails:
          - semanticCache: { similarityThreshold: 0.92, ttlSeconds: 3600 }
`;
const revision = 1;
const proxy = 'sample.proxy';
const fingerprint = new Uint8Array(32).fill(7);
/** As it comes off the wire: rare kinds are not there. */
const rareTokens = { cacheWritePrompt: undefined, audioPrompt: undefined, audioCompletion: undefined };
const tokens = { prompt: 14, completion: 3, cachedPrompt: 0, reasoning: 0, ...rareTokens };

let engines: TestEngines;
let bus: Bus;
let pool: GuardPool;
let service: ChildProcess;
let health: string;

before(async () => {
  engines = await startEngines({ only: ['nats', 'cacheRedis'] });
  const { user, password } = engines.nats.credentials;
  const metrics = createMetrics('test');
  const env = { url: engines.nats.address, user, password };
  bus = await connectBus({ env, service: 'test', replica: 'test', logger, metrics });
  await bus.ensureTopology({ replicas: 1, usageBytesMax: 1024 * 1024 });
  await bus.configStore.apply(resolveConfig(parseConfigFile(configuration), revision, Date.now()), 0);
  pool = guardPool({ kind: 'cache', bus, logger, metrics });
  service = spawn(process.execPath, ['main.ts'], {
    cwd: import.meta.dirname,
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: {
      PATH: process.env.PATH,
      NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
      TOLLGATE_NATS_URL: engines.nats.address,
      TOLLGATE_NATS_USER: user,
      TOLLGATE_NATS_PASSWORD: password,
      TOLLGATE_CACHE_REDIS_URL: engines.cacheRedis.url,
      TOLLGATE_RESPONSE_ID_KEY: 'a-secret-of-the-tests-and-of-nobody',
      // A busy machine is no slow Redis.
      TOLLGATE_CACHE_DEADLINE_MS: '1000',
      TOLLGATE_LOG_LEVEL: 'error',
    },
  });
  const [message] = (await once(service, 'message')) as [{ health: string }];
  health = message.health;
  await readyz((status) => status === 200);
});
after(async () => {
  pool?.close();
  if (service?.exitCode === null) {
    service.kill();
    await once(service, 'exit');
  }
  await bus?.close();
  await engines?.close();
});

/** Asks until the readiness is as expected; the test's own time limit bounds it. */
async function readyz(expected: (status: number) => boolean): Promise<Record<string, string>> {
  for (;;) {
    const answer = await fetch(`${health}/readyz`);
    const { checks } = (await answer.json()) as { checks: Record<string, string> };
    if (expected(answer.status)) return checks;
  }
}

const team = 'team:sample.engineering';

async function ask(text: string, options: { scopeId?: string; surface?: Surface; stream?: boolean } = {}) {
  const { scopeId = team, surface = Surface.CHAT_COMPLETIONS, stream = false } = options;
  const call = { scopeId, fingerprint, text, surface, stream, includeUsage: false };
  const request = { requestId: 'r', timeoutMs: 2000, revision, proxy, guardrail: 0 };
  return pool.call({ ...request, call: { $case: 'cache', value: call } });
}

async function hit(...args: Parameters<typeof ask>): Promise<CacheHit | undefined> {
  const result = await ask(...args);
  assert.equal(result.$case, 'cache', JSON.stringify(result));
  return result.$case === 'cache' ? result.value.hit : undefined;
}

async function fill(
  text: string,
  answer: object,
  options: { scopeId?: string; surface?: Surface } = {},
): Promise<void> {
  const { scopeId = team, surface = Surface.CHAT_COMPLETIONS } = options;
  const offered: CacheFill = {
    requestId: 'r',
    plan: { revision, proxy, guardrail: 0, scopeId, fingerprint, text, surface },
    answer: bytesOf(answer),
    provider: 'azure-openai',
    model: 'gpt-4o',
    baseModel: 'gpt-4o',
    tokens,
    costNanoUsd: 65_000,
  };
  const seen = await fillsCounted();
  bus.publish(subjects.cacheFill, CacheFill.encode(offered).finish());
  while ((await fillsCounted()) === seen);
}

/** Fills that the service is done with, whatever became of them. */
async function fillsCounted(): Promise<number> {
  const text = await (await fetch(`${health}/metrics`)).text();
  const counts = text.matchAll(/^tollgate_cache_fills_total\{.*\} (\d+)$/gm);
  return [...counts].reduce((sum, [, count]) => sum + Number(count), 0);
}

test('an answer that was kept hits with all that the ledger needs', async () => {
  assert.equal(await hit('What is the capital of France?'), undefined);
  await fill('What is the capital of France?', chatAnswer());
  const found = await hit("what's the capital of France");
  assert.ok(found);
  const { body, ageSeconds, similarity, ...rest } = found;
  assert.ok(similarity > 0.999 && similarity <= 1);
  assert.deepEqual(rest, {
    contentType: 'application/json',
    provider: 'azure-openai',
    model: 'gpt-4o',
    baseModel: 'gpt-4o',
    tokens,
    costNanoUsd: 65_000,
  });
  assert.ok(ageSeconds < 60);
  assert.equal(JSON.parse(Buffer.from(body).toString()).choices[0].message.content, 'Paris.');
});

test('a hit has the shape that was asked for, on each surface', async () => {
  const messages = { surface: Surface.MESSAGES };
  await fill('What is the capital of Spain?', messageAnswer('Madrid.'), messages);
  const kept = await hit('what is the capital of spain', { ...messages, stream: true });
  assert.match(Buffer.from(kept?.body ?? []).toString(), /"text":"Madrid\."[\s\S]*event: message_stop\n/);
  const surface = Surface.RESPONSES;
  await fill('What is the capital of Spain?', responseAnswer('Madrid.'), { surface });
  const json = await hit('what is the capital of spain', { surface });
  assert.equal(JSON.parse(Buffer.from(json?.body ?? []).toString()).output[0].content[0].text, 'Madrid.');
  const stream = await hit('what is the capital of spain', { surface, stream: true });
  assert.match(stream?.contentType ?? '', /^text\/event-stream/);
  assert.match(Buffer.from(stream?.body ?? []).toString(), /event: response\.completed\n/);
  assert.equal(await hit('what is the capital of spain', { surface: Surface.CHAT_COMPLETIONS }), undefined);
});

test('another team gets nothing, in either direction', async () => {
  const other = 'team:sample.product';
  await fill('What is our margin?', chatAnswer('Twelve.'));
  assert.equal(await hit('What is our margin?', { scopeId: other }), undefined);
  await fill('What is our churn?', chatAnswer('Two.'), { scopeId: other });
  assert.equal(await hit('What is our churn?'), undefined);
  assert.ok(await hit('What is our churn?', { scopeId: other }));
});

test('a tool call is not kept', async () => {
  const call = { id: 'call_1', type: 'function', function: { name: 'f', arguments: '{}' } };
  await fill('Call the tool', chatAnswer('', { tool_calls: [call] }, { finish_reason: 'tool_calls' }));
  assert.equal(await hit('Call the tool'), undefined);
});

/** Calls of Redis that failed, by reason. */
async function faults(reason: string): Promise<number> {
  const text = await (await fetch(`${health}/metrics`)).text();
  return Number(new RegExp(`^tollgate_redis_faults_total\\{reason="${reason}".*\\} (\\d+)$`, 'm').exec(text)?.[1] ?? 0);
}

test('a slow Redis is waited for until the deadline, then by nobody until it answers again', {
  timeout: 60_000,
}, async () => {
  await engines.cacheRedis.pause();
  const refused = async () => {
    const result = await ask('What is the capital of France?');
    assert.equal(result.$case === 'error' && result.value.code, 'store_unavailable');
  };
  await Promise.all([refused(), refused(), refused()]);
  const [late, breaker] = [await faults('deadline'), await faults('breaker')];
  assert.ok(late >= 3);
  // The breaker is open: nobody waits for the deadline.
  await Promise.all([refused(), refused(), refused()]);
  assert.equal((await faults('breaker')) - breaker, 3);
  await engines.cacheRedis.resume();
  await readyz((status) => status === 200);
  assert.ok(await hit('What is the capital of France?'));
});

test('without its Redis it says so at once, and serves again when it is back', { timeout: 60_000 }, async () => {
  await engines.cacheRedis.stop();
  const checks = await readyz((status) => status === 503);
  assert.equal(checks['cache redis'], 'the cache Redis does not answer');
  const result = await ask('What is the capital of France?');
  assert.equal(result.$case === 'error' && result.value.code, 'store_unavailable');
  await fill('Is it back?', chatAnswer('No.'));
  await engines.cacheRedis.start();
  await readyz((status) => status === 200);
  assert.equal(await hit('Is it back?'), undefined);
  await fill('Is it back?', chatAnswer('Yes.'));
  assert.ok(await hit('is it back'));
});

test('its metrics count what became of lookups and fills', async () => {
  const text = await (await fetch(`${health}/metrics`)).text();
  for (const series of [
    /^tollgate_cache_lookups_total\{outcome="semantic",.*\} [1-9]/m,
    /^tollgate_cache_lookups_total\{outcome="failed",.*\} [1-9]/m,
    /^tollgate_cache_fills_total\{outcome="stored",.*\} [1-9]/m,
    /^tollgate_cache_fills_total\{outcome="tool_calls",.*\} 1/m,
    /^tollgate_cache_fills_total\{outcome="failed",.*\} 1/m,
  ]) {
    assert.match(text, series);
  }
});

test('it stops cleanly', async () => {
  service.kill('SIGTERM');
  const [code] = await once(service, 'exit');
  assert.equal(code, 0);
});
