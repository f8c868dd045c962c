import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { type Bus, connectBus, permissionsFor, subjects } from '@tollgate/bus';
import { type AuthCall, type AuthResult, Release, RequestStatus, Surface, type UsageEvent } from '@tollgate/contracts';
import { type GuardPool, guardPool } from '@tollgate/guard';
import type { Readiness, ReadyMessage } from '@tollgate/lifecycle';
import { createMetrics } from '@tollgate/telemetry';
import { startEngines, type TestEngines } from '@tollgate/testing/engines';
import type { BudgetStore } from './adapters/budget-store.ts';
import * as given from './testing/harness.ts';

const { logger, organizationId } = given;
const everything = { name: 'test', publish: ['>'], subscribe: ['>'] };
const record = given.keyRecord();
let engines: TestEngines;
let bus: Bus;
let pool: GuardPool;
let store: BudgetStore;
const replicas: ChildProcess[] = [];
let health: string;

before(async () => {
  const natsUsers = [everything, { name: 'guard-auth', ...permissionsFor('guard-auth') }];
  engines = await startEngines({ only: ['nats', 'redis'], natsUsers });
  const { name: user, password } = engines.nats.userFor('test');
  const metrics = createMetrics('test');
  const env = { url: engines.nats.address, user, password };
  bus = await connectBus({ env, service: 'test', replica: 'test-1', logger, metrics });
  await bus.ensureTopology({ replicas: 1, usageBytesMax: 2 ** 24 });
  await bus.configStore.apply(given.snapshot({ team: [given.tokenLimit(1000, '1d')] }), 0);
  await bus.configStore.putKey(record);
  pool = guardPool({ kind: 'auth', bus, logger, metrics });
  health = await startReplica('guard-auth-1');
  store = await given.connectStore(engines.redis.url);
});
after(async () => {
  const codes = await Promise.all(replicas.map(stop));
  pool.close();
  store.redis.close();
  await bus.close(1000);
  await engines.close();
  assert.deepEqual(new Set(codes), new Set([0]));
});

async function stop(child: ChildProcess): Promise<number> {
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  return (await exited)[0] as number;
}

/** Returns where its readiness is told. */
async function startReplica(replica: string): Promise<string> {
  const { name: user, password } = engines.nats.userFor('guard-auth');
  const child = fork(`${import.meta.dirname}/main.ts`, {
    env: {
      PATH: process.env.PATH,
      NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
      TOLLGATE_REPLICA: replica,
      TOLLGATE_NATS_URL: engines.nats.address,
      TOLLGATE_NATS_USER: user,
      TOLLGATE_NATS_PASSWORD: password,
      TOLLGATE_REDIS_URL: engines.redis.url,
      TOLLGATE_LOG_LEVEL: process.env.TOLLGATE_LOG_LEVEL ?? 'silent',
    },
  });
  replicas.push(child);
  const [message] = (await once(child, 'message')) as [ReadyMessage];
  assert.equal(message.type, 'ready');
  return message.health;
}

function call(requestId: string, change: Partial<AuthCall> = {}): ReturnType<GuardPool['call']> {
  const value: AuthCall = {
    keyHash: Buffer.from(record.hash, 'hex'),
    surface: Surface.CHAT_COMPLETIONS,
    model: 'gpt-4o',
    startedAtMs: Date.now(),
    bodyBytes: 240,
    outputTokensMax: 40,
    n: 1,
    stream: false,
    user: '',
    metadata: {},
    clientAddress: '',
    owner: 'pipeline-1',
    ...change,
  };
  return pool.call({
    requestId,
    timeoutMs: 5000,
    revision: 1,
    proxy: 'sample.chat',
    guardrail: 0,
    call: { $case: 'auth', value },
  });
}

async function admit(requestId: string, change: Partial<AuthCall> = {}): Promise<AuthResult> {
  const result = await call(requestId, change);
  assert.ok(result.$case === 'auth', JSON.stringify(result));
  return result.value;
}

/** Asks until it holds; the test's own time limit ends it. */
async function until<T>(ask: () => Promise<T | undefined | false>): Promise<T> {
  for (;;) {
    const found = await ask();
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

async function usageOf(requestId: string): Promise<UsageEvent | undefined> {
  const { firstSeq, lastSeq } = await bus.usageState();
  for await (const { batch } of bus.readUsage({ fromSeq: firstSeq, toSeq: lastSeq })) {
    const found = batch.events.find(({ receipt }) => receipt?.requestId === requestId);
    if (found) return found;
  }
  return undefined;
}

const timeout = 20_000;

test('is ready once every limit is proven to work', { timeout }, async () => {
  await until(async () => {
    const readiness = await fetch(`${health}/readyz`);
    const { checks } = (await readiness.json()) as Readiness;
    return readiness.ok && checks.limits === 'ok';
  });
});

test('a request is admitted, its usage settled', { timeout }, async () => {
  const { receipt } = await until(async () => {
    const result = await call('r1');
    return result.$case === 'auth' && result.value;
  });
  const [reserved] = receipt?.reservations ?? [];
  assert.ok(receipt && reserved);
  assert.deepEqual(await given.counter(store, reserved), { spent: 0, reserved: 100 });
  bus.usage.publish(given.measured(receipt, 30, 12));
  await until(async () => (await given.counter(store, reserved)).spent === 42);
  assert.deepEqual(await given.counter(store, reserved), { spent: 42, reserved: 0 });
});

test('what a pipeline releases ends as a row at zero', { timeout }, async () => {
  const { receipt } = await admit('released');
  const [reserved] = receipt?.reservations ?? [];
  assert.ok(reserved);
  bus.publish(subjects.release, Release.encode({ requestId: 'released', organizationId }).finish());
  const row = await until(() => usageOf('released'));
  assert.deepEqual([row.status, row.version, row.billed?.prompt], [RequestStatus.FAILED, 3, 0]);
  await until(async () => (await given.counter(store, reserved)).reserved === 0);
});

test('a message that nobody understands harms nobody', { timeout }, async () => {
  bus.publish(subjects.release, Uint8Array.of(255, 255));
  bus.publish(subjects.leaseRenew, Uint8Array.of(255, 255));
  assert.equal((await admit('after-nonsense')).refusal, undefined);
});

test('the store away: an error at once; back again: the counters are those of USAGE', { timeout }, async () => {
  const { receipt } = await admit('before');
  const [reserved] = receipt?.reservations ?? [];
  assert.ok(receipt && reserved);
  await engines.redis.kill();
  const refused = await until(async () => {
    const startedAtMs = performance.now();
    const result = await call('away');
    return result.$case === 'error' && { ...result.value, tookMs: performance.now() - startedAtMs };
  });
  assert.equal(refused.code, 'store_unavailable');
  assert.ok(refused.retryAfterMs > 0);
  assert.ok(refused.tookMs < 1000);
  bus.usage.publish(given.measured(receipt, 8, 0));
  await bus.usage.flush(5000);
  await engines.redis.start();
  await until(async () => (await call('again')).$case === 'auth');
  // r1 and `before`; of leases, `again` and what the first tests left are there at most.
  await until(async () => (await given.counter(store, reserved)).spent === 50);
});

test('a revoked key is refused within a second, by every replica', { timeout }, async () => {
  await startReplica('guard-auth-2');
  await until(async () => pool.usable === 2);
  await bus.configStore.putKey({ ...record, revokedAtMs: Date.now() });
  const revokedAtMs = performance.now();
  for (let refusedInARow = 0; refusedInARow < 20; ) {
    const { refusal } = await admit(`revoked-${performance.now()}`);
    if (refusal?.code === 'invalid_api_key') refusedInARow++;
    else {
      assert.ok(performance.now() - revokedAtMs < 1000, 'still admitted a second later');
      refusedInARow = 0;
    }
  }
});
