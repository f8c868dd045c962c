import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { Limit } from '@tollgate/config';
import { type Receipt, UsageEvent } from '@tollgate/contracts';
import { startEngines, type TestEngines } from '@tollgate/testing/engines';
import type { Charge } from '../domain/charge.ts';
import { limitsOf } from '../domain/limits.ts';
import { noLimit, type Plan, passedBy, planCharges, refusalOf } from '../domain/plan.ts';
import { waitMsOf } from '../domain/rate.ts';
import { settlementOf } from '../domain/settlement.ts';
import * as given from '../testing/harness.ts';
import type { BudgetStore, ReserveAnswer } from './budget-store.ts';
import { RebuildStore } from './rebuild-store.ts';

const { organizationId, startedAtMs } = given;
let engines: TestEngines;
let store: BudgetStore;

before(async () => {
  engines = await startEngines({ only: ['redis'] });
  store = await given.connectStore(engines.redis.url);
});
after(async () => {
  store.redis.close();
  await engines.close();
});
beforeEach(() => given.reset(store));

const rateLimit = (change: Partial<Limit> = {}) =>
  given.limit({ quantity: 'requests', amount: 10, burst: 10, window: '1m', ...change });

interface Ask {
  tokens?: number;
  user?: string;
  on?: BudgetStore;
}

function planOf(limits: Limit[], { tokens = 100, user = '' }: Ask = {}): Plan {
  const need = { promptTokens: tokens, completionTokens: 0, guessed: false, costNanoUsd: 0, promptCostNanoUsd: 0 };
  const binding = limitsOf(given.snapshot({ team: limits }), 'sample.engineering');
  return planCharges(binding, need, { keyId: 'k', user, metadata: {} }, () => ({
    startMs: startedAtMs - 1000,
    endMs: startedAtMs + 3_600_000,
  }));
}

function receiptOf(requestId: string, { charges }: Plan): Receipt {
  return given.receipt(
    requestId,
    charges.map(({ reservation }) => reservation),
  );
}

function reserve(requestId: string, limits: Limit[], ask: Ask = {}): Promise<ReserveAnswer> {
  const plan = planOf(limits, ask);
  const record = UsageEvent.encode(given.usageEvent(receiptOf(requestId, plan))).finish();
  return (ask.on ?? store).reserve(organizationId, { requestId, startedAtMs, charges: plan.charges, record });
}

async function settle(...events: [event: UsageEvent, seq: number][]): Promise<void> {
  const settlements = events.map(([event, seq]) => settlementOf(event, seq, startedAtMs) ?? assert.fail());
  assert.ok(await store.settle(organizationId, settlements));
}

const keyOf = ({ charges: [charge] }: Plan) => store.keys(organizationId).rate((charge ?? assert.fail()).reservation);

/** As if so much time had passed: what the key says is as of an earlier moment. */
async function pass(key: string, ms: number): Promise<void> {
  const held = (await store.redis.command('GET', key)) as string | null;
  if (held === null) return;
  const [level, at] = held.split(':').map(Number) as [number, number];
  await store.redis.command('SET', key, `${level}:${at - ms}`);
}

/** The level as it was written last, and stands while no time passes. */
async function levelIn(key: string): Promise<number> {
  return Number(String((await store.redis.command('GET', key)) ?? '0:0').split(':')[0]);
}

/** Stops the clock of a rate: nothing flows out of it before this test is over. */
async function freeze(key: string): Promise<void> {
  await pass(key, -3_600_000);
}

describe('a rate', () => {
  test('admits a burst and refuses more, and a refused request moves nothing', async () => {
    const limits = [rateLimit({ amount: 3, burst: 3 })];
    for (const id of ['r1', 'r2', 'r3']) assert.equal((await reserve(id, limits)).outcome, 'admitted', id);
    const held = await given.dump(store);
    const { outcome, counters } = await reserve('r4', limits);
    assert.equal(outcome, 'refused');
    assert.deepEqual(await given.dump(store), held);
    const refusal = refusalOf(planOf(limits), counters);
    assert.ok(refusal?.waitMs && refusal.waitMs > 0 && refusal.waitMs <= 20_000, String(refusal?.waitMs));
  });

  test('in every span admits at most the burst and what flows in meanwhile', async () => {
    const rate = { amount: 6, burst: 4 };
    const limits = [rateLimit(rate)];
    const key = keyOf(planOf(limits));
    let passedMs = 0;
    const admittedAtMs: number[] = [];
    const refusedAtMs: number[] = [];
    for (let turn = 0; turn < 400; turn++) {
      // Some at once, some after up to twice the interval of the rate.
      const ms = turn % 7 < 3 ? 0 : (turn * 7919) % 20_000;
      await pass(key, ms);
      passedMs += ms;
      const { outcome, counters } = await reserve(`r${turn}`, limits);
      const atMs = (counters[0]?.rate?.atMs ?? 0) + passedMs;
      (outcome === 'admitted' ? admittedAtMs : refusedAtMs).push(atMs);
    }
    assert.ok(admittedAtMs.length > 100 && refusedAtMs.length > 50, `${admittedAtMs.length} ${refusedAtMs.length}`);
    for (const [from, startMs] of admittedAtMs.entries()) {
      for (const [to, endMs] of admittedAtMs.entries()) {
        if (to < from) continue;
        const most = rate.burst + (rate.amount * (endMs - startMs)) / 60_000;
        assert.ok(to - from + 1 <= most, `${to - from + 1} in ${endMs - startMs} ms`);
      }
    }
    // And it is no stricter than it says: who was refused was refused by exactly these.
    for (const atMs of refusedAtMs) {
      let level = 0;
      let sinceMs = 0;
      for (const each of admittedAtMs.filter((moment) => moment <= atMs)) {
        level = Math.max(0, level - (each - sinceMs) * rate.amount) + 60_000;
        sinceMs = each;
      }
      assert.ok(Math.max(0, level - (atMs - sinceMs) * rate.amount) + 60_000 > rate.burst * 60_000);
    }
  });

  test('200 at once from two replicas: exactly the burst', async (t) => {
    const other = await given.connectStore(engines.redis.url, { replica: 'another' });
    t.after(() => other.redis.close());
    // One unit flows in each minute, which is longer than this takes.
    const limits = [rateLimit({ amount: 1, burst: 37 })];
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, at) => reserve(`r${at}`, limits, { on: at % 2 ? store : other })),
    );
    assert.equal(answers.filter(({ outcome }) => outcome === 'admitted').length, 37);
    assert.equal(answers.filter(({ outcome }) => outcome === 'refused').length, 163);
  });

  test('is charged together with all other limits, or not at all', async () => {
    const limits = [rateLimit(), given.limit({ amount: 250 })];
    for (const id of ['r1', 'r2']) await reserve(id, limits);
    const held = await given.dump(store);
    assert.equal((await reserve('r3', limits)).outcome, 'refused');
    assert.deepEqual(await given.dump(store), held);
    const rates = [rateLimit({ amount: 1, burst: 2 }), given.limit({ amount: 9000 })];
    assert.equal(
      (await reserve('r4', [...rates, rateLimit({ quantity: 'tokens', amount: 50, burst: 50 })])).outcome,
      'refused',
    );
    assert.deepEqual(await given.dump(store), held);
  });

  test('a repeat is charged once and gets the first answer', async () => {
    const limits = [rateLimit({ amount: 1, burst: 1 })];
    await reserve('r1', limits);
    const key = keyOf(planOf(limits));
    const level = await levelIn(key);
    assert.equal((await reserve('r1', limits)).outcome, 'repeated');
    assert.equal(await levelIn(key), level);
  });

  test('of ten million tokens a minute is exact to the token', async () => {
    const limits = [rateLimit({ quantity: 'tokens', amount: 10_000_000, burst: 10_000_000 })];
    const key = keyOf(planOf(limits));
    await reserve('r0', limits, { tokens: 5_000_000 });
    await freeze(key);
    await reserve('r1', limits, { tokens: 4_999_999 });
    await freeze(key);
    assert.equal((await reserve('r2', limits, { tokens: 2 })).outcome, 'refused');
    assert.equal((await reserve('r3', limits, { tokens: 1 })).outcome, 'admitted');
    assert.equal(await levelIn(key), 10_000_000 * 60_000);
  });

  test('the largest is exact, too', async () => {
    const most = 50_000_000_000;
    const limits = [rateLimit({ quantity: 'tokens', amount: most, burst: most })];
    const key = keyOf(planOf(limits));
    await reserve('r1', limits, { tokens: most - 1 });
    await freeze(key);
    const { outcome, counters } = await reserve('r2', limits, { tokens: 2 });
    assert.equal(outcome, 'refused');
    assert.equal(counters[0]?.rate?.level, (most - 1) * 60_000);
    assert.equal((await reserve('r3', limits, { tokens: 1 })).outcome, 'admitted');
  });

  test('goes by itself when all of it has flowed back', async () => {
    const limits = [rateLimit({ amount: 10, burst: 10 })];
    await reserve('r1', limits);
    const ttlMs = Number(await store.redis.command('PTTL', keyOf(planOf(limits))));
    assert.ok(ttlMs > 0 && ttlMs <= 6000, String(ttlMs));
  });

  test('what needs nothing of it leaves no trace', async () => {
    const limits = [rateLimit({ quantity: 'completion_tokens' })];
    assert.equal((await reserve('r1', limits)).outcome, 'admitted');
    assert.equal(await store.redis.command('EXISTS', keyOf(planOf(limits))), 0);
  });

  test('tells the wait after which the same request fits', async () => {
    const limits = [rateLimit({ quantity: 'tokens', amount: 1000, burst: 1000 })];
    const key = keyOf(planOf(limits));
    await reserve('r1', limits, { tokens: 900 });
    const { outcome, counters } = await reserve('r2', limits, { tokens: 300 });
    assert.equal(outcome, 'refused');
    const [charge] = planOf(limits).charges as [Charge];
    const state = counters[0]?.rate ?? assert.fail();
    const waitMs = waitMsOf(charge.rate ?? assert.fail(), state, 300);
    assert.ok(waitMs > 0 && waitMs <= 12_000, String(waitMs));
    await pass(key, waitMs);
    assert.equal((await reserve('r3', limits, { tokens: 300 })).outcome, 'admitted');
  });
});

describe('a rate that refuses nobody', () => {
  for (const mode of ['soft', 'shadow'] as const) {
    test(`${mode}: notes what it would have refused, and does not charge it`, async () => {
      const limits = [rateLimit({ amount: 1, burst: 2, mode })];
      const key = keyOf(planOf(limits));
      const answers = [];
      for (const id of ['r1', 'r2', 'r3', 'r4']) {
        const { outcome, uncharged, counters } = await reserve(id, limits);
        answers.push([outcome, uncharged?.has(0) ?? false, passedBy(planOf(limits), counters).length]);
        await freeze(key);
      }
      assert.deepEqual(answers, [
        ['admitted', false, 0],
        ['admitted', false, 0],
        ['admitted', true, 1],
        ['admitted', true, 1],
      ]);
      assert.equal(await levelIn(key), 2 * 60_000);
    });
  }

  test('what was not charged is not corrected at the end: the lease knows', async () => {
    const limits = [rateLimit({ quantity: 'tokens', amount: 100, burst: 100, mode: 'shadow' })];
    const key = keyOf(planOf(limits));
    await reserve('r1', limits);
    await freeze(key);
    await reserve('r2', limits);
    const bytes = await store.release(organizationId, 'r2', false);
    const { receipt } = UsageEvent.decode(bytes ?? new Uint8Array());
    assert.deepEqual(receipt?.reservations, []);
    await settle([given.measured(receipt ?? assert.fail(), 5, 0), 1]);
    assert.equal(await levelIn(key), 100 * 60_000);
  });
});

describe('at the end of a request', () => {
  const limits = [rateLimit({ quantity: 'tokens', amount: 100, burst: 1000 })];
  const plan = () => planOf(limits);
  const used = (id: string, tokens: number, version = 3, change: Partial<UsageEvent> = {}) =>
    given.measured(receiptOf(id, plan()), tokens, 0, { version, ...change });

  test('the rate moves once by the difference to the estimate, whatever comes twice', async () => {
    const key = keyOf(plan());
    await reserve('r1', limits);
    await freeze(key);
    await settle([used('r1', 30), 1], [used('r1', 30), 1]);
    assert.equal(await levelIn(key), 30 * 60_000);
    await freeze(key);
    await settle([used('r1', 30), 2]);
    await settle([used('r1', 99, 2), 3]);
    assert.equal(await levelIn(key), 30 * 60_000);
  });

  test('a later version moves it by the difference to the one before', async () => {
    const key = keyOf(plan());
    await reserve('r1', limits);
    await freeze(key);
    await settle([used('r1', 40, 2), 1]);
    assert.equal(await levelIn(key), 40 * 60_000);
    await freeze(key);
    await settle([used('r1', 250), 2]);
    assert.equal(await levelIn(key), 250 * 60_000);
  });

  test('debt is kept: nobody is admitted until it has flowed back', async () => {
    const key = keyOf(plan());
    await reserve('r1', limits);
    await freeze(key);
    await settle([used('r1', 5000), 1]);
    await freeze(key);
    const { outcome, counters } = await reserve('r2', limits, { tokens: 1 });
    assert.equal(outcome, 'refused');
    assert.equal(refusalOf(planOf(limits, { tokens: 1 }), counters)?.waitMs, 4001 * 600);
  });

  test('more than was there is not given back, and what is not there is not made', async () => {
    const key = keyOf(plan());
    await settle([used('r1', 30), 1]);
    assert.equal(await store.redis.command('EXISTS', key), 0);
    await settle([used('r2', 130), 2]);
    assert.equal(await levelIn(key), 30 * 60_000);
    assert.ok(Number(await store.redis.command('PTTL', key)) > 0);
  });

  test('a request counts from its admission on, whatever becomes of it', async () => {
    const requests = [rateLimit({ amount: 1 })];
    const key = keyOf(planOf(requests));
    await reserve('r1', requests);
    await freeze(key);
    const receipt = receiptOf('r1', planOf(requests));
    await settle([given.usageEvent(receipt), 1], [given.measured(receipt, 0, 0), 2]);
    assert.equal(await levelIn(key), 60_000);
    assert.deepEqual(await given.leases(store), []);
    assert.equal((await reserve('r1', requests)).outcome, 'over');
  });

  test('what another model served is given back to a rate on some models', async () => {
    for (const quantity of ['tokens', 'requests'] as const) {
      const some = [rateLimit({ quantity, amount: 10, burst: 1000, models: ['gpt-4o'] })];
      const key = keyOf(planOf(some));
      for (const id of ['a', 'b']) {
        await reserve(`${quantity}-${id}`, some);
        await freeze(key);
      }
      const of = (id: string, model: string) =>
        given.measured(receiptOf(`${quantity}-${id}`, planOf(some)), 30, 0, { model });
      await settle([of('a', 'gpt-4o'), 1], [of('b', 'mini'), 2]);
      assert.equal(await levelIn(key), (quantity === 'tokens' ? 30 : 1) * 60_000, quantity);
    }
  });

  test('usage that ended before the longest window of a rate has flowed back: it is not charged late', async () => {
    const key = keyOf(plan());
    await settle([used('r1', 5000, 3, { finishedAtMs: startedAtMs - 60_000 }), 1]);
    assert.equal(await store.redis.command('EXISTS', key), 0);
    await settle([used('r2', 5000, 3, { finishedAtMs: startedAtMs - 59_999 }), 2]);
    assert.equal(await levelIn(key), 4900 * 60_000);
  });
});

describe('rates of single values', () => {
  const limits = (valuesMax: number) => [rateLimit({ amount: 1, burst: 2, per: 'user', valuesMax })];

  test('each has its own; beyond so many values all others share one', async () => {
    const answers = [];
    for (const [at, user] of ['ann', 'bob', 'ann', 'ann', 'cid', 'dan', 'eve', 'bob'].entries()) {
      const { outcome, shared } = await reserve(`r${at}`, limits(2), { user });
      answers.push([user, outcome, shared?.has(0) ?? false]);
    }
    assert.deepEqual(answers, [
      ['ann', 'admitted', false],
      ['bob', 'admitted', false],
      ['ann', 'admitted', false],
      ['ann', 'refused', false],
      ['cid', 'admitted', true],
      ['dan', 'admitted', true],
      ['eve', 'refused', false],
      ['bob', 'admitted', false],
    ]);
  });

  test('the place of a value whose rate is whole again is free', async () => {
    await reserve('r1', limits(1), { user: 'ann' });
    assert.deepEqual((await reserve('r2', limits(1), { user: 'bob' })).shared, new Set([0]));
    const [charge] = planOf(limits(1), { user: 'ann' }).charges as [Charge];
    const keys = store.keys(organizationId);
    await store.redis.command('DEL', keys.rate(charge.reservation));
    await store.redis.command('ZADD', keys.values(charge.reservation), 1, charge.reservation.value);
    assert.equal((await reserve('r3', limits(1), { user: 'bob' })).shared, undefined);
    assert.deepEqual((await reserve('r4', limits(1), { user: 'ann' })).shared, new Set([0]));
  });

  test('the lease remembers which rate was charged', async () => {
    await reserve('r1', limits(1), { user: 'ann' });
    await reserve('r2', limits(1), { user: 'bob' });
    const bytes = await store.release(organizationId, 'r2', false);
    assert.equal(UsageEvent.decode(bytes ?? new Uint8Array()).receipt?.reservations[0]?.value, '');
  });
});

describe('leases and rebuilds', () => {
  test('a renewal that writes a lost lease again charges no rate', async () => {
    const plan = planOf([rateLimit(), given.limit({})]);
    const receipt = receiptOf('r1', plan);
    const record = UsageEvent.encode(given.usageEvent(receipt)).finish();
    assert.ok(await store.renew(organizationId, [{ receipt, record }]));
    assert.equal(await store.redis.command('EXISTS', keyOf(plan)), 0);
    assert.deepEqual(await given.counter(store, receipt.reservations[1]), { spent: 0, reserved: 100 });
    assert.equal(((await store.redis.command('KEYS', '*:c:*')) as string[]).length, 1);
    assert.deepEqual(await given.leases(store), ['r1']);
  });

  test('a rebuild counts what leases hold, and takes no rate for a counter', async () => {
    const limits = [rateLimit(), given.limit({})];
    await reserve('r1', limits);
    await store.redis.command('DEL', store.keys(organizationId).epoch);
    const rebuild = await RebuildStore.begin(store, organizationId);
    assert.ok(rebuild);
    assert.deepEqual([...(await rebuild.reset(startedAtMs))], ['r1']);
    await rebuild.finish(0);
    const counters = (await store.redis.command('KEYS', '*:c:*')) as string[];
    assert.equal(counters.length, 1, counters.join());
    assert.equal((await reserve('r2', limits)).outcome, 'admitted');
  });
});

test('a rate that refuses is told so to the script', () => {
  const [hard, soft] = planOf([rateLimit(), rateLimit({ mode: 'soft' })]).charges;
  assert.notEqual(hard?.limit, noLimit);
  assert.equal(soft?.limit, noLimit);
});
