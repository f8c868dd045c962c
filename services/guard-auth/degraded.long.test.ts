import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { type Bus, connectBus, permissionsFor, subjects } from '@tollgate/bus';
import type { Limit } from '@tollgate/config';
import { type AuthCall, type AuthResult, type Receipt, Release, RequestStatus, Surface } from '@tollgate/contracts';
import { type GuardPool, guardPool } from '@tollgate/guard';
import type { Readiness, ReadyMessage } from '@tollgate/lifecycle';
import { createMetrics } from '@tollgate/telemetry';
import { startEngines, type TestEngines } from '@tollgate/testing/engines';
import type { BudgetStore } from './adapters/budget-store.ts';
import * as given from './testing/harness.ts';

const { logger, organizationId } = given;
const everything = { name: 'test', publish: ['>'], subscribe: ['>'] };
const record = given.keyRecord();
const onStoreFailure = 'allow-within-share' as const;
const requestsMax = 100;
const slots = 40;
const allowing: Limit[] = [
  given.limit({ quantity: 'requests', amount: requestsMax, window: '1y', onStoreFailure }),
  given.limit({ quantity: 'concurrency', amount: slots, window: '', onStoreFailure }),
];
const roomy = given.limit({ quantity: 'requests', amount: 500, window: '12mo', onStoreFailure });
let engines: TestEngines;
let bus: Bus;
let pool: GuardPool;
let store: BudgetStore;
let revision = 0;
const replicas: ChildProcess[] = [];
const health: string[] = [];
const timeout = 120_000;

before(async () => {
  const natsUsers = [everything, { name: 'guard-auth', ...permissionsFor('guard-auth') }];
  engines = await startEngines({ only: ['nats', 'redis'], natsUsers });
  const { name: user, password } = engines.nats.userFor('test');
  const metrics = createMetrics('test');
  bus = await connectBus({
    env: { url: engines.nats.address, user, password },
    ...{ service: 'test', replica: 'test-1', logger, metrics },
  });
  await bus.ensureTopology({ replicas: 1, usageBytesMax: 2 ** 24 });
  await apply(allowing);
  await bus.configStore.putKey(record);
  pool = guardPool({ kind: 'auth', bus, logger, metrics });
  for (const name of ['guard-auth-1', 'guard-auth-2']) health.push(await startReplica(name));
  store = await given.connectStore(engines.redis.url);
  await until(async () => pool.usable === 2);
  await until(async () => (await Promise.all(health.map(readiness))).every(({ ready }) => ready));
});
after(async () => {
  await engines.redis.resume().catch(() => {});
  const codes = await Promise.all(replicas.map(stop));
  pool.close();
  store.redis.close();
  await bus.close(1000);
  await engines.close();
  assert.deepEqual(new Set(codes), new Set([0]));
});

async function apply(team: Limit[]): Promise<void> {
  await bus.configStore.apply({ ...given.snapshot({ team }), revision: revision + 1 }, revision);
  revision++;
}

async function stop(child: ChildProcess): Promise<number> {
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  return (await exited)[0] as number;
}

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
  return message.health;
}

async function readiness(of: string): Promise<Readiness> {
  return (await (await fetch(`${of}/readyz`)).json()) as Readiness;
}

/** All replicas: a gauge that has this value. */
async function told(value: 0 | 1): Promise<boolean> {
  const texts = await Promise.all(health.map(async (of) => (await fetch(`${of}/metrics`)).text()));
  return texts.every((text) => new RegExp(`^tollgate_budget_degraded\\{.*\\} ${value}$`, 'm').test(text));
}

function call(requestId: string): ReturnType<GuardPool['call']> {
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
  };
  const auth = { $case: 'auth', value } as const;
  return pool.call({ requestId, timeoutMs: 5000, revision, proxy: 'sample.chat', guardrail: 0, call: auth });
}

/** What each of so many was answered: its admission, or the code of why not. */
async function ask(count: number, name: string): Promise<(AuthResult | string)[]> {
  const results = await Promise.all(Array.from({ length: count }, (_, n) => call(`${name}-${n}`)));
  return results.map((result) => {
    if (result.$case === 'error') return result.value.code;
    assert.ok(result.$case === 'auth');
    return result.value.refusal?.code ?? result.value;
  });
}

function admitted(results: (AuthResult | string)[]): AuthResult[] {
  return results.filter((result) => typeof result !== 'string');
}

function receipts(results: (AuthResult | string)[]): Receipt[] {
  return admitted(results).flatMap(({ receipt }) => receipt ?? []);
}

function end(ended: Receipt[]): void {
  for (const receipt of ended) bus.usage.publish(given.measured(receipt, 30, 12));
}

async function until<T>(ask: () => Promise<T | undefined | false>): Promise<T> {
  for (;;) {
    const found = await ask();
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Both replicas have read the counters: they do it every five seconds. */
const known = () => wait(6000);

/** What the store holds of the limits, as receipts name their counters. */
async function counters([receipt]: Receipt[]) {
  const [requests, running] = receipt?.reservations ?? [];
  assert.ok(requests && running);
  return { requests: await given.counter(store, requests), slots: (await given.counter(store, running)).reserved };
}

/** None while the store is away. */
const leases = () => given.leases(store).catch((): string[] => []);

/** Events of USAGE of one request. */
async function statuses(requestId: string): Promise<RequestStatus[]> {
  const found: RequestStatus[] = [];
  const { firstSeq, lastSeq } = await bus.usageState();
  for await (const { batch } of bus.readUsage({ fromSeq: firstSeq, toSeq: lastSeq }))
    for (const { receipt, status } of batch.events) if (receipt?.requestId === requestId) found.push(status);
  return found;
}

test('the store hangs: two replicas together admit what is left and no more; back again, it knows all of it', {
  timeout,
}, async () => {
  const first = receipts(await ask(20, 'before'));
  assert.equal(first.length, 20);
  end(first);
  await until(async () => (await counters(first)).requests.spent === 20);
  await known();
  const used = first.length;

  await engines.redis.pause();
  await until(() => told(1));
  await until(async () => {
    const states = await Promise.all(health.map(readiness));
    return states.every(({ ready, checks }) => ready && /^degraded: .*share/.test(checks.redis ?? ''));
  });
  const results: (AuthResult | string)[] = [];
  for (let round = 0; round < 20; round++) results.push(...(await ask(20, `away-${round}`)));
  const [one] = admitted(results);
  assert.deepEqual(one?.headers, { 'x-tollgate-degraded': 'budget_store' });
  assert.deepEqual(one?.hits, { 'degraded.budget_store': 1 });
  const running = receipts(results);
  assert.ok(running.length <= slots && running.length > slots / 3, `${running.length} of ${slots} slots`);
  assert.ok(results.every((result) => typeof result !== 'string' || result === 'store_unavailable'));
  const [abandoned, ...others] = running;
  assert.ok(abandoned);
  end(others);

  // Their slots are free when their usage was seen.
  const later: Receipt[] = [];
  await until(async () => {
    const more = receipts(await ask(20, `later-${later.length}-${Date.now()}`));
    later.push(...more);
    end(more);
    return used + running.length + later.length > requestsMax - 4;
  });
  for (let round = 0; round < 10; round++) later.push(...receipts(await ask(20, `last-${round}`)));
  const all = used + running.length + later.length;
  assert.ok(all <= requestsMax, `${all} of ${requestsMax}`);

  await engines.redis.resume();
  // All but one ended, and its lease is written by the replica that admitted it; nobody renews it, so it ends at last.
  await until(async () => (await leases()).includes(abandoned.requestId));
  await until(() => told(0));
  end(later);
  await until(async () => (await counters(running)).slots <= 1);
  const { requests: after } = await counters(running);
  assert.equal(after.spent + after.reserved, all);
});

test('the store is another one when it is back: what was admitted without it is in the counters that are rebuilt', {
  timeout,
}, async () => {
  await apply([roomy]);
  const before = await until(async () => {
    const some = receipts(await ask(1, `wiped-${Date.now()}`));
    return some[0]?.reservations[0]?.window === '12mo' && some;
  });
  await known();
  await engines.redis.kill();
  await until(() => told(1));
  const running: Receipt[] = [];
  await until(async () => running.push(...receipts(await ask(10, `killed-${running.length}`))) >= 10);
  const [given1, ended] = running;
  assert.ok(given1 && ended);
  end([ended]);
  bus.publish(subjects.release, Release.encode({ requestId: given1.requestId, organizationId }).finish());
  await engines.redis.start();
  for (const { requestId } of running.slice(2)) await until(async () => (await leases()).includes(requestId));
  await until(() => told(0));
  const [counter] = before[0]?.reservations ?? [];
  // One that was released is given back, and has the row that says so.
  await until(async () => (await statuses(given1.requestId)).includes(RequestStatus.FAILED));
  await until(async () => (await given.counter(store, counter)).spent >= 2);
  await until(async () => !(await leases()).includes(given1.requestId));
});

test('one limit that refuses, and nobody is admitted without the store', { timeout }, async () => {
  await apply([roomy, given.limit({ amount: 100_000, window: '1y' })]);
  await until(async () => receipts(await ask(1, `refuses-${Date.now()}`))[0]?.revision === revision);
  await engines.redis.pause();
  await until(async () => {
    const state = await readiness(health[0] ?? '');
    return !state.ready && state.checks.redis === 'the budget Redis is away or slow';
  });
  assert.deepEqual(new Set(await ask(10, 'refused')), new Set(['store_unavailable']));
  await engines.redis.resume();
  await until(async () => admitted(await ask(1, `again-${Date.now()}`)).length === 1);
});
