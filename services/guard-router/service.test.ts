import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { type Bus, connectBus, permissionsFor, subjects } from '@tollgate/bus';
import { parseConfigFile, ResponseIds, resolveConfig } from '@tollgate/config';
import { RouteReport, type RouteResult } from '@tollgate/contracts';
import { type GuardPool, guardPool } from '@tollgate/guard';
import type { ReadyMessage } from '@tollgate/lifecycle';
import { createLogger, createMetrics } from '@tollgate/telemetry';
import { startEngines, type TestEngines } from '@tollgate/testing/engines';

const logger = createLogger({ service: 'test', replica: 'test', level: 'silent' });
const example = readFileSync(new URL('../../packages/config/fixtures/example.yaml', import.meta.url), 'utf8');
const both = 'models: [{ model: gpt-4o }, { model: gpt-4o-mini }]';
/** A proxy for each of the strategies that go by what upstream tells. */
const configuration = example.replace(
  '    proxies:\n',
  `    proxies:
      - { name: busy, context: busy, provider: azure-openai, guardrails: [{ modelRotation: { strategy: least-busy, ${both} } }] }
      - { name: fast, context: fast, provider: azure-openai, guardrails: [{ modelRotation: { strategy: least-latency, ${both} } }] }
`,
);
const proxy = 'sample-project.enterprise-llm-proxy';
const secret = 'a-secret-of-the-tests-and-of-nobody';
const replicas: ChildProcess[] = [];
let engines: TestEngines;
let bus: Bus;
let pool: GuardPool;

before(async () => {
  const natsUsers = [
    { name: 'test', publish: ['>'], subscribe: ['>'] },
    { name: 'guard-router', ...permissionsFor('guard-router') },
  ];
  engines = await startEngines({ only: ['nats', 'redis'], natsUsers });
  const { name: user, password } = engines.nats.userFor('test');
  const metrics = createMetrics('test');
  const env = { url: engines.nats.address, user, password };
  bus = await connectBus({ env, service: 'test', replica: 'test-1', logger, metrics });
  await bus.ensureTopology({ replicas: 1, usageBytesMax: 2 ** 24 });
  await bus.configStore.apply(resolveConfig(parseConfigFile(configuration), 1, Date.now()), 0);
  pool = guardPool({ kind: 'router', bus, logger, metrics });
  await Promise.all([startReplica('guard-router-1'), startReplica('guard-router-2')]);
  await until(async () => pool.usable === 2);
});
after(async () => {
  const codes = await Promise.all(replicas.map(stop));
  pool.close();
  await bus.close(1000);
  await engines.close();
  assert.deepEqual(codes, [0, 0]);
});

async function startReplica(replica: string): Promise<void> {
  const { name: user, password } = engines.nats.userFor('guard-router');
  const child = fork(`${import.meta.dirname}/main.ts`, {
    env: {
      PATH: process.env.PATH,
      NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
      TOLLGATE_REPLICA: replica,
      TOLLGATE_NATS_URL: engines.nats.address,
      TOLLGATE_NATS_USER: user,
      TOLLGATE_NATS_PASSWORD: password,
      TOLLGATE_REDIS_URL: engines.redis.url,
      TOLLGATE_RESPONSE_ID_KEY: secret,
      TOLLGATE_LOG_LEVEL: process.env.TOLLGATE_LOG_LEVEL ?? 'silent',
    },
  });
  replicas.push(child);
  const [message] = (await once(child, 'message')) as [ReadyMessage];
  assert.equal(message.type, 'ready');
  // Without the store each replica takes turns of its own.
  await until(async () => {
    const { checks } = (await (await fetch(`${message.health}/readyz`)).json()) as { checks: Record<string, string> };
    return checks.redis === 'ok';
  });
}

async function stop(child: ChildProcess): Promise<number> {
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  return (await exited)[0] as number;
}

async function route(model = '', of = proxy, requestId = 'r'): Promise<RouteResult> {
  const call = { $case: 'route', value: { model, startedAtMs: Date.now() } } as const;
  const result = await pool.call({ requestId, timeoutMs: 5000, revision: 1, proxy: of, guardrail: 0, call });
  assert.ok(result.$case === 'route', JSON.stringify(result));
  return result.value;
}

/** Asks until it holds; the test's own time limit ends it. */
async function until(ask: () => Promise<boolean>): Promise<void> {
  while (!(await ask())) await new Promise((resolve) => setTimeout(resolve, 10));
}

function tell(outcome: string, model: string, more: Partial<RouteReport> = {}): void {
  const report = {
    ...{ requestId: 'r', provider: 'azure-openai', model, outcome, retryAfterMs: 0 },
    ...{ atMs: Date.now(), probe: false, revision: 1, proxy, ...more },
  };
  bus.publish(subjects.routeReport, RouteReport.encode(report).finish());
}

const timeout = 20_000;
const first = ({ targets }: RouteResult) => targets[0]?.model;

test('two replicas share their turns exactly', { timeout }, async () => {
  const results = await Promise.all(Array.from({ length: 100 }, () => route()));
  assert.equal(results.filter((result) => first(result) === 'gpt-4o').length, 50);
  assert.ok(results.every(({ targets }) => targets.length === 2));
});

test('what goes on goes where it was, on every replica, while turns go round', { timeout }, async () => {
  const ids = new ResponseIds([secret]);
  const issued = { provider: 'azure-openai', model: 'gpt-4o-mini', providerId: 'resp_1', borrowed: false };
  const responseId = ids.seal('sample-project.product', issued);
  const goOn = async (teamId: string) => {
    const affinity = { responseId, contentMarks: [], itemIds: [], action: '' };
    const call = { $case: 'route', value: { model: '', startedAtMs: Date.now(), teamId, affinity } } as const;
    const result = await pool.call({ requestId: 'r', timeoutMs: 5000, revision: 1, proxy, guardrail: 2, call });
    assert.ok(result.$case === 'route', JSON.stringify(result));
    return result.value;
  };
  const routes = await Promise.all(Array.from({ length: 20 }, () => goOn('sample-project.product')));
  assert.ok(routes.every((found) => first(found) === 'gpt-4o-mini' && found.providerResponseId === 'resp_1'));
  assert.equal((await goOn('sample-project.sales')).refusal?.code, 'previous_response_not_found');
});

test('a model that nobody offers is not found', { timeout }, async () => {
  assert.equal((await route('o1')).refusal?.code, 'model_not_found');
});

test('what is told of attempts is what least-busy and least-latency go by', { timeout }, async () => {
  let asked = 0;
  const all = (of: string, model: string) => async () => {
    const ids = Array.from({ length: 5 }, () => `asked-${asked++}`);
    const models = await Promise.all(ids.map(async (id) => first(await route('', of, id))));
    // They end at once: what is asked here is not to be what is busy.
    for (const [at, requestId] of ids.entries()) tell('none', models[at] ?? '', { requestId, proxy: of });
    return models.every((found) => found === model);
  };
  const busy = 'sample-project.busy';
  const running = (model: string, outcome: string) => {
    for (let at = 0; at < 200; at++) tell(outcome, model, { requestId: `long-${model}-${at}`, proxy: busy });
  };
  running('gpt-4o', 'running');
  await until(all(busy, 'gpt-4o-mini'));
  running('gpt-4o', 'none');
  running('gpt-4o-mini', 'running');
  await until(all(busy, 'gpt-4o'));

  const fast = 'sample-project.fast';
  tell('ok', 'gpt-4o', { firstContentMs: 5000, proxy: fast });
  tell('ok', 'gpt-4o-mini', { firstContentMs: 10, proxy: fast });
  await until(all(fast, 'gpt-4o-mini'));
});

test('what one replica hears of, both skip; the store away changes nothing about it', { timeout }, async () => {
  tell('suspend', 'gpt-4o');
  await until(async () => (await route()).targets.length === 1);
  const results = await Promise.all(Array.from({ length: 40 }, () => route()));
  assert.deepEqual(
    new Set(results.flatMap(({ targets }) => targets.map(({ model }) => model))),
    new Set(['gpt-4o-mini']),
  );

  await engines.redis.stop();
  const alone = await Promise.all(Array.from({ length: 40 }, () => route()));
  assert.deepEqual(new Set(alone.map(first)), new Set(['gpt-4o-mini']));
  await engines.redis.start();
});

test('all suspended: refused with the moment of the first', { timeout }, async () => {
  await until(async () => {
    tell('suspend', 'gpt-4o');
    tell('suspend', 'gpt-4o-mini');
    // Of both replicas: one may still be on its way back to the store and know of the first model only.
    const results = await Promise.all(Array.from({ length: 10 }, () => route()));
    return results.every(({ refusal }) => refusal !== undefined);
  });
  const { refusal } = await route();
  assert.equal(refusal?.code, 'all_models_suspended');
  assert.ok(refusal.retryAfterMs > 20_000 && refusal.retryAfterMs <= 30_000, String(refusal.retryAfterMs));
});
