import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, type TestContext, test } from 'node:test';
import { RedisConnection } from '@tollgate/redis';
import { createLogger, createMetrics } from '@tollgate/telemetry';
import { startEngines, type TestEngines } from '@tollgate/testing/engines';
import type { Plan } from '../domain/plan.ts';
import { smoothTurn } from '../domain/smooth.ts';
import { ChoiceStore, type Wish } from './choice-store.ts';
import { RotationStore } from './rotation-store.ts';

const logger = createLogger({ service: 'test', replica: 'test', level: 'silent' });
const nowMs = 1_700_000_000_000;
const ids = ['azure/a', 'azure/b', 'azure/c'];
const equal = [0, 0, 0];
let engines: TestEngines;
let redis: RedisConnection;
let store: ChoiceStore;

before(async () => {
  engines = await startEngines({ only: ['redis'] });
  redis = await connect();
  store = new ChoiceStore(redis);
});
after(async () => {
  redis.close();
  await engines.close();
});
beforeEach(() => redis.command('FLUSHALL'));

async function connect(): Promise<RedisConnection> {
  const metrics = createMetrics('test');
  const connection = new RedisConnection({ url: engines.redis.url, name: 'test', deadlineMs: 5000, logger, metrics });
  await new Promise<void>((resolve) => connection.onServer(() => resolve()));
  return connection;
}

async function anotherReplica(t: TestContext): Promise<ChoiceStore> {
  const connection = await connect();
  t.after(() => connection.close());
  return new ChoiceStore(connection);
}

const planOf = (strategy: Plan['strategy'], change: Partial<Plan> = {}): Plan => ({
  ...{ strategy, targets: [], ids, weights: [], quotas: undefined, list: '', attemptsMax: 3, ...change },
});

const wishes = (change: Partial<Wish> = {}): Wish => ({
  ...{ requestId: 'r', ranks: equal, tokens: 100, promptCache: undefined, stream: false, named: false },
  ...{ draws: [0, 0], nowMs, ...change },
});

const choose = (plan: Plan, change: Partial<Wish> = {}, by = store) =>
  by.choose('acme', 'p.chat', plan, wishes(change));

async function positions(plan: Plan, count: number, change: Partial<Wish> = {}): Promise<number[]> {
  const found: number[] = [];
  for (let turn = 0; turn < count; turn++) found.push((await choose(plan, change)).position);
  return found;
}

function suspend(target: string, untilMs: number): Promise<unknown> {
  return redis.command('HSET', 'tg:v1:{acme}:suspended', target, untilMs);
}

/** Of 300 at once from two replicas. */
async function countsOfMany(t: TestContext, plan: Plan, change: Partial<Wish> = {}): Promise<number[]> {
  const other = await anotherReplica(t);
  const choices = await Promise.all(
    Array.from({ length: 300 }, (_, at) => choose(plan, { requestId: `r${at}`, ...change }, at % 2 ? store : other)),
  );
  return ids.map((_, position) => choices.filter((choice) => choice.position === position).length);
}

describe('weighted', () => {
  const plan = planOf('weighted', { weights: [3, 2, 1], list: 'w' });

  test('is exact over replicas: 300 at once from two', async (t) => {
    assert.deepEqual(await countsOfMany(t, plan), [150, 100, 50]);
  });

  test('takes the turns that the domain says', async () => {
    const currents: number[] = [];
    const expected = Array.from({ length: 12 }, () => smoothTurn(plan.weights, currents, () => true));
    assert.deepEqual(await positions(plan, 12), expected);
  });

  test('shares the turns of what is suspended by weight, and does not pay them back', async () => {
    await suspend('azure/a', nowMs + 1000);
    assert.deepEqual((await positions(plan, 6)).toSorted(), [1, 1, 1, 1, 2, 2]);
    await redis.command('DEL', 'tg:v1:{acme}:suspended');
    assert.deepEqual((await positions(plan, 6)).toSorted(), [0, 0, 0, 1, 1, 2]);
  });
});

describe('by rank', () => {
  test('priority: the first of the list until it is suspended, then the next', async () => {
    const ranks = [0, 1, 2];
    assert.deepEqual(await positions(planOf('priority'), 3, { ranks }), [0, 0, 0]);
    await suspend('azure/a', nowMs + 1000);
    assert.deepEqual(await positions(planOf('priority'), 2, { ranks }), [1, 1]);
    const later = { ranks, nowMs: nowMs + 1000 };
    const [probe, next] = [await choose(planOf('priority'), later), await choose(planOf('priority'), later)];
    assert.deepEqual([probe.position, probe.probe, next.position, next.probe], [0, true, 1, false]);
  });

  test('lowest cost: equal ones in exact turn over replicas', async (t) => {
    assert.deepEqual(await countsOfMany(t, planOf('lowest-cost'), { ranks: [9, 2_600_000, 9] }), [150, 0, 150]);
  });

  test('round robin goes on where plain turns stopped, and they where it did', async () => {
    const turns = new RotationStore(redis);
    const plain = async () => (await turns.next('acme', 'p.chat', ids, nowMs)).position;
    const found = [await plain(), ...(await positions(planOf('round-robin'), 1)), await plain()];
    assert.deepEqual(found, [0, 1, 2]);
  });

  test('all are suspended: nobody, and no turn is taken', async () => {
    for (const id of ids) await suspend(id, nowMs + 5000);
    const choice = await choose(planOf('round-robin'));
    assert.equal(choice.position, -1);
    assert.deepEqual(
      choice.standings.map(({ untilMs }) => untilMs - nowMs),
      [5000, 5000, 5000],
    );
    await redis.command('DEL', 'tg:v1:{acme}:suspended');
    assert.deepEqual(await positions(planOf('round-robin'), 1), [0]);
  });
});

describe('rates', () => {
  const none = { rpm: 0, tpm: 0 };
  const rates = (rpm: number, tpm = 0) => planOf('round-robin', { quotas: [{ rpm, tpm }, none, none] });

  test('requests: a full target is passed over until it has room again', async () => {
    // 60 a minute: ten at once, then one a second.
    const plan = rates(60);
    const found = await positions(plan, 36);
    assert.equal(found.filter((position) => position === 0).length, 10);
    const full = await choose(plan);
    assert.deepEqual(full.roomAtMs, [nowMs + 1000, 0, 0]);
    assert.ok(!(await positions(plan, 3, { nowMs: nowMs + 999 })).includes(0));
    assert.equal((await positions(plan, 3, { nowMs: nowMs + 1000 })).filter((position) => position === 0).length, 1);
  });

  test('tokens: by what the request is expected to use; one that is larger than the rate waits for all of it', async () => {
    // 6,000 a minute: 1,000 at once, a hundred a second.
    const plan = rates(0, 6000);
    const first = { ranks: [0, 1, 2] };
    assert.deepEqual(await positions(plan, 2, { ...first, tokens: 500 }), [0, 0]);
    assert.deepEqual(await positions(plan, 1, { ...first, tokens: 1 }), [1]);
    assert.deepEqual(await positions(plan, 1, { ...first, tokens: 100, nowMs: nowMs + 1000 }), [0]);
    assert.deepEqual(await positions(plan, 1, { ...first, tokens: 1_000_000, nowMs: nowMs + 10_000 }), [1]);
    assert.deepEqual(await positions(plan, 1, { ...first, tokens: 1_000_000, nowMs: nowMs + 11_000 }), [0]);
    // It takes what a minute has, not hours.
    const { roomAtMs } = await choose(plan, { ...first, tokens: 1000, nowMs: nowMs + 11_000 });
    assert.equal(roomAtMs[0], nowMs + 71_000);
  });

  test('are shared by the proxies, the replicas and those who ask by name', async (t) => {
    const other = await anotherReplica(t);
    const [plan, named] = [rates(60), planOf('priority', { ids: ['azure/a'], quotas: [{ rpm: 60, tpm: 0 }] })];
    const asks = Array.from({ length: 40 }, (_, at) => {
      const by = at % 2 ? store : other;
      return at % 4 === 3
        ? by.choose('acme', 'p.third', named, wishes({ named: true, ranks: [0] }))
        : by.choose('acme', at % 4 ? 'p.chat' : 'p.other', plan, wishes());
    });
    const choices = await Promise.all(asks);
    assert.equal(choices.filter(({ position }) => position === 0).length, 10);
    assert.equal(choices.filter(({ position }) => position < 0).length > 0, true);
  });

  test('all are full: nobody, and nothing is counted', async () => {
    const each = { rpm: 6, tpm: 0 };
    const plan = planOf('round-robin', { quotas: [each, each, each] });
    assert.deepEqual((await positions(plan, 4)).toSorted(), [-1, 0, 1, 2].toSorted());
    assert.deepEqual((await choose(plan)).roomAtMs, [nowMs + 10_000, nowMs + 10_000, nowMs + 10_000]);
    assert.deepEqual((await positions(plan, 3, { nowMs: nowMs + 10_000 })).toSorted(), [0, 1, 2]);
  });

  test('an attempt as failover counts, too', async () => {
    for (let at = 0; at < 10; at++) {
      const takes = { rpm: 60, tpm: 0, tokens: 5 };
      await store.told('acme', { target: 'azure/a', requestId: `r${at}`, nowMs, takes });
    }
    assert.deepEqual(await positions(rates(60), 2), [1, 2]);
  });

  test('a model asked for by name is called whatever its failures were', async () => {
    await suspend('azure/a', nowMs + 5000);
    const named = planOf('priority', { ids: ['azure/a'], quotas: [{ rpm: 6, tpm: 0 }] });
    const choice = await choose(named, { named: true, ranks: [0] });
    assert.deepEqual([choice.position, choice.probe], [0, false]);
    assert.equal((await choose(named, { named: true, ranks: [0] })).position, -1);
  });
});

describe('least busy', () => {
  const plan = planOf('least-busy');
  const told = (requestId: string, target: string, inFlight: boolean, atMs = nowMs) =>
    store.told('acme', { target, requestId, nowMs: atMs, inFlight });

  test('300 at once from two replicas: a hundred each', async (t) => {
    assert.deepEqual(await countsOfMany(t, plan), [100, 100, 100]);
  });

  test('what ended makes room, equal ones take turns', async () => {
    for (const requestId of ['r1', 'r2', 'r3']) await choose(plan, { requestId });
    await told('r2', 'azure/b', false);
    assert.deepEqual((await choose(plan, { requestId: 'r4' })).loads, [1, 0, 1]);
    assert.deepEqual((await choose(plan, { requestId: 'r5' })).position, 2);
  });

  test('a failover moves its load; a repeat changes nothing', async () => {
    await choose(plan, { requestId: 'r1' });
    await told('r1', 'azure/a', false);
    await told('r1', 'azure/b', true);
    await told('r1', 'azure/b', true);
    assert.deepEqual((await choose(plan, { requestId: 'r2' })).loads, [0, 1, 0]);
  });

  test('what an upstream that died had is forgotten, what is told of stays', async () => {
    await choose(plan, { requestId: 'dead' });
    await choose(plan, { requestId: 'long' });
    for (let atMs = nowMs + 10_000; atMs <= nowMs + 60_000; atMs += 10_000) await told('long', 'azure/b', true, atMs);
    const { loads } = await choose(plan, { requestId: 'new', nowMs: nowMs + 60_000 });
    assert.deepEqual(loads, [0, 1, 0]);
    assert.ok(((await redis.command('PTTL', 'tg:v1:{acme}:running:azure/b')) as number) > 0);
  });
});

describe('least latency', () => {
  const plan = planOf('least-latency');
  const measure = (target: string, firstContentMs: number, atMs = nowMs, stream = false) =>
    store.told('acme', { target, requestId: 'r', nowMs: atMs, latency: { firstContentMs, stream } });
  /** Draws of the pair (a, b), (b, c) and so on. */
  const pair = (first: number, step: number): [number, number] => [(first + 0.5) / 3, (step - 0.5) / 2];

  beforeEach(async () => {
    await measure('azure/a', 100);
    await measure('azure/b', 900);
    await measure('azure/c', 300);
  });

  test('the faster of the two that were drawn', async () => {
    for (const [draws, expected] of [
      [pair(0, 1), 0],
      [pair(1, 1), 2],
      [pair(2, 1), 0],
      [pair(1, 2), 0],
      [pair(2, 2), 2],
    ] as const) {
      assert.equal((await choose(plan, { draws })).position, expected, String(draws));
    }
  });

  test('a mean that follows, for streams and answers apart', async () => {
    await measure('azure/a', 600);
    await measure('azure/a', 5, nowMs, true);
    assert.deepEqual((await choose(plan)).loads, [200, 900, 300]);
    assert.deepEqual((await choose(plan, { stream: true })).loads, [5, -1, -1]);
  });

  test('what nobody knows is as fast as the other: the one drawn first', async () => {
    await redis.command('DEL', 'tg:v1:{acme}:latency:answers');
    await measure('azure/a', 100);
    assert.equal((await choose(plan, { draws: pair(1, 2) })).position, 1);
    assert.equal((await choose(plan, { draws: pair(0, 1) })).position, 0);
  });

  test('a slow one is tried again after a while, by one request', async () => {
    const fast = pair(0, 1);
    await measure('azure/a', 100, nowMs + 21_000);
    assert.equal((await choose(plan, { draws: fast, nowMs: nowMs + 21_000 })).position, 0);
    await measure('azure/a', 100, nowMs + 25_000);
    const later = { draws: fast, nowMs: nowMs + 25_000 };
    assert.deepEqual([(await choose(plan, later)).position, (await choose(plan, later)).position], [1, 0]);
  });

  test('what is suspended is not drawn', async () => {
    await suspend('azure/a', nowMs + 1000);
    for (const draws of [0, 0.3, 0.6, 0.9].map((draw) => [draw, draw] as const)) {
      assert.equal((await choose(plan, { draws })).position, 2);
    }
    await suspend('azure/c', nowMs + 1000);
    assert.equal((await choose(plan, { draws: [0.9, 0.9] })).position, 1);
  });
});

describe('prompt caches', () => {
  const plan = planOf('round-robin');

  test('prefer the target of the last request, and take nobody’s turn', async () => {
    assert.deepEqual(await positions(plan, 3, { promptCache: 7 }), [0, 0, 0]);
    assert.deepEqual(await positions(plan, 2), [1, 2]);
    assert.deepEqual(await positions(plan, 2, { promptCache: 8 }), [0, 0]);
    assert.deepEqual(await positions(plan, 1, { promptCache: 7 }), [0]);
  });

  test('go elsewhere when it is suspended or full, and stay there', async () => {
    await positions(plan, 1, { promptCache: 7 });
    await suspend('azure/a', nowMs + 1000);
    assert.deepEqual(await positions(plan, 2, { promptCache: 7 }), [1, 1]);
    assert.deepEqual(await positions(plan, 1, { promptCache: 7, nowMs: nowMs + 2000 }), [1]);
  });

  test('probe nothing: that is for a turn', async () => {
    await positions(plan, 1, { promptCache: 7 });
    await suspend('azure/a', nowMs + 1000);
    const { position, probe } = await choose(plan, { promptCache: 7, nowMs: nowMs + 2000 });
    assert.deepEqual([position, probe], [1, false]);
  });

  test('are forgotten with what the provider keeps, and of other proxies nothing is known', async () => {
    await positions(plan, 1, { promptCache: 7 });
    const elsewhere = await store.choose('acme', 'p.other', plan, wishes({ promptCache: 7 }));
    assert.equal(elsewhere.position, 0);
    assert.deepEqual(await positions(plan, 1, { promptCache: 7, nowMs: nowMs + 600_000 }), [1]);
    assert.ok(((await redis.command('PTTL', 'tg:v1:{acme}:prefers:p.chat')) as number) > 0);
  });

  test('count on the rates, and leave weights alone', async () => {
    const weighted = planOf('weighted', { weights: [1, 1, 1], list: 'w' });
    assert.deepEqual(await positions(weighted, 3, { promptCache: 7 }), [0, 0, 0]);
    assert.deepEqual((await positions(weighted, 2)).toSorted(), [1, 2]);
    const none = { rpm: 0, tpm: 0 };
    const limited = planOf('round-robin', { quotas: [{ rpm: 12, tpm: 0 }, none, none] });
    await redis.command('FLUSHALL');
    assert.deepEqual(await positions(limited, 4, { promptCache: 7 }), [0, 0, 1, 1]);
  });
});

test('every key ends by itself', async () => {
  const quotas = ids.map(() => ({ rpm: 6000, tpm: 1_000_000 }));
  for (const strategy of ['round-robin', 'weighted', 'least-busy', 'least-latency'] as const) {
    const plan = planOf(strategy, { quotas, weights: [1, 1, 1] });
    await choose(plan);
    await choose(plan, { promptCache: 1 });
  }
  await store.told('acme', { target: 'azure/a', requestId: 'r', nowMs, latency: { firstContentMs: 5, stream: false } });
  await store.told('acme', { target: 'azure/failover', requestId: 'r', nowMs, inFlight: true });
  const keys = (await redis.command('KEYS', '*')) as string[];
  const kinds = new Set(keys.map((key) => key.split(':')[3]));
  assert.deepEqual([...kinds].sort(), ['latency', 'prefers', 'rates', 'running', 'turn', 'weights']);
  for (const key of keys) assert.ok(((await redis.command('TTL', key)) as number) > 0, key);
});

describe('bound to some targets', () => {
  const bound = { bound: true, ranks: [0, 1] };
  const wanted = (strategy: Plan['strategy'] = 'round-robin', change: Partial<Plan> = {}) =>
    planOf(strategy, { ids: ['azure/b', 'azure/a'], ...change });
  const quotas = [
    { rpm: 6, tpm: 0 },
    { rpm: 6, tpm: 0 },
  ];

  test('the first goes, and takes no turn', async () => {
    const turns = planOf('priority');
    assert.equal((await choose(wanted(), bound)).position, 0);
    assert.deepEqual(await positions(turns, 3), [0, 1, 2], 'the turns of others go on from where they were');
  });

  test('rather one that has room; a full one all the same, and all are counted', async () => {
    const plan = wanted('round-robin', { quotas });
    assert.deepEqual(await positions(plan, 4, bound), [0, 1, 0, 0]);
    const [, spentB] = (await redis.command('HMGET', 'tg:v1:{acme}:rates', 'azure/a|rpm', 'azure/b|rpm')) as string[];
    assert.equal(Number(spentB), nowMs + 3 * 10_000);
    const others = await choose(planOf('round-robin', { ids: ['azure/b', 'azure/a'], quotas }), { ranks: [0, 0] });
    assert.equal(others.position, -1, 'whoever has a choice is told to come back');
  });

  test('however many go to a full one, others wait a minute for it at most', async () => {
    const plan = planOf('round-robin', { ids: ['azure/b'], quotas: [{ rpm: 6, tpm: 0 }] });
    const wish = { ...bound, ranks: [0] };
    assert.deepEqual(await positions(plan, 20, wish), Array(20).fill(0));
    assert.ok(((await choose(plan, { ranks: [0] })).roomAtMs[0] ?? 0) <= nowMs + 60_000);
    assert.equal((await choose(plan, { ranks: [0], nowMs: nowMs + 60_000 })).position, 0);
  });

  test('what it goes to is busier for others', async () => {
    const plan = wanted('least-busy');
    for (const requestId of ['r1', 'r2']) await choose(plan, { ...bound, requestId });
    const { position, loads } = await choose(plan, { ranks: [0, 0], requestId: 'r3' });
    assert.deepEqual([position, loads], [1, [2, 0]]);
  });

  test('a suspended one is passed over; one that waits for its probe is probed by one request', async () => {
    await suspend('azure/b', nowMs + 1000);
    assert.deepEqual((await choose(wanted(), bound)).position, 1);
    await suspend('azure/a', nowMs + 1000);
    assert.equal((await choose(wanted(), bound)).position, -1);
    const later = { ...bound, nowMs: nowMs + 2000 };
    const one = planOf('round-robin', { ids: ['azure/b'] });
    const probes = await Promise.all([1, 2, 3].map(() => choose(one, { ...later, ranks: [0] })));
    assert.deepEqual(
      probes.map(({ position, probe }) => [position, probe]),
      [
        [0, true],
        [-1, false],
        [-1, false],
      ],
    );
  });

  test('by name it goes there whatever its failures were, and is counted', async () => {
    await suspend('azure/b', nowMs + 1000);
    const plan = planOf('priority', { ids: ['azure/b'], quotas: [{ rpm: 6, tpm: 0 }] });
    const wish = { ...bound, named: true, ranks: [0] };
    for (let turn = 0; turn < 3; turn++) assert.equal((await choose(plan, wish)).position, 0);
    assert.equal((await choose(plan, { named: true, ranks: [0] })).position, -1);
  });
});
