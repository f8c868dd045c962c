import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { Limit } from '@tollgate/config';
import { type Receipt, UsageEvent } from '@tollgate/contracts';
import { startEngines, type TestEngines } from '@tollgate/testing/engines';
import { counterExpiresAtMs } from '../domain/charge.ts';
import { boundsAt, partAt } from '../domain/limit-windows.ts';
import { limitsOf } from '../domain/limits.ts';
import { type Plan, planCharges, refusalOf } from '../domain/plan.ts';
import { settlementOf } from '../domain/settlement.ts';
import * as given from '../testing/harness.ts';
import type { BudgetStore, ReserveAnswer } from './budget-store.ts';
import { RebuildStore } from './rebuild-store.ts';

const { organizationId } = given;
const HOUR_MS = 3_600_000;
/** Parts of five minutes. Some way ahead, so that no counter of the window before is gone already. */
const partMs = HOUR_MS / 12;
const startMs = partAt('1h', Date.now() + 2 * HOUR_MS).startMs;
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

const rolling = (amount: number, change: Partial<Limit> = {}) => given.limit({ amount, rolling: true, ...change });

interface Ask {
  atMs: number;
  tokens?: number;
  user?: string;
  on?: BudgetStore;
}

function planOf(limits: Limit[], { atMs, tokens = 100, user = '' }: Ask): Plan {
  const need = { promptTokens: tokens, completionTokens: 0, guessed: false, costNanoUsd: 0, promptCostNanoUsd: 0 };
  const binding = limitsOf(given.snapshot({ team: limits }), 'sample.engineering');
  return planCharges(binding, need, { keyId: 'k', user, metadata: {} }, (limit) => boundsAt(limit, atMs));
}

function receiptOf(requestId: string, { charges }: Plan, startedAtMs: number): Receipt {
  const receipt = given.receipt(
    requestId,
    charges.map(({ reservation }) => reservation),
  );
  return { ...receipt, startedAtMs };
}

function reserve(requestId: string, limits: Limit[], ask: Ask): Promise<ReserveAnswer> {
  const plan = planOf(limits, ask);
  const record = UsageEvent.encode(given.usageEvent(receiptOf(requestId, plan, ask.atMs))).finish();
  const { charges } = plan;
  return (ask.on ?? store).reserve(organizationId, { requestId, startedAtMs: ask.atMs, charges, record });
}

async function settle(requestId: string, plan: Plan, atMs: number, tokens: number, nowMs = atMs): Promise<void> {
  const settlement = settlementOf(given.measured(receiptOf(requestId, plan, atMs), tokens, 0), 1, nowMs);
  assert.ok(await store.settle(organizationId, [settlement ?? assert.fail()]));
}

describe('a rolling window', () => {
  test('in every span of its length admits at most the limit, and what used nothing for so long fits', async () => {
    const limit = 1000;
    const admitted: { atMs: number; tokens: number }[] = [];
    let refused = 0;
    let atMs = startMs;
    for (let turn = 0; turn < 500; turn++) {
      atMs += turn % 5 === 0 ? 0 : (turn * 104_729) % (HOUR_MS / 8);
      // Some arrive after others that started later, by up to a part.
      const startedMs = turn % 11 === 0 ? Math.max(startMs, atMs - ((turn * 7919) % partMs)) : atMs;
      const tokens = 1 + ((turn * 6007) % 300);
      const { outcome } = await reserve(`r${turn}`, [rolling(limit)], { atMs: startedMs, tokens });
      if (outcome === 'admitted') admitted.push({ atMs: startedMs, tokens });
      else refused++;
    }
    assert.ok(admitted.length > 100 && refused > 50, `${admitted.length} ${refused}`);
    for (const { atMs: fromMs } of admitted) {
      const inSpan = admitted.filter((each) => each.atMs >= fromMs && each.atMs < fromMs + HOUR_MS);
      const sum = inSpan.reduce((total, { tokens }) => total + tokens, 0);
      assert.ok(sum <= limit, `${sum} from ${new Date(fromMs).toISOString()}`);
    }
  });

  test('tells the moment at which the request fits, and not before', async () => {
    const limits = [rolling(1000)];
    for (const [at, tokens] of [300, 300, 400].entries()) {
      const atMs = startMs + at * 2 * partMs + 1234;
      const plan = planOf(limits, { atMs, tokens });
      await reserve(`r${at}`, limits, { atMs, tokens });
      await settle(`r${at}`, plan, atMs, tokens);
    }
    const ask = { atMs: startMs + 6 * partMs + 7, tokens: 500 };
    const { outcome, counters } = await reserve('r4', limits, ask);
    assert.equal(outcome, 'refused');
    assert.deepEqual([counters[0]?.spent, counters[0]?.reserved], [1000, 0]);
    const refusal = refusalOf(planOf(limits, ask), counters) ?? assert.fail();
    assert.equal(refusal.spent, true);
    // The first two have to leave: the second was charged in the part that begins at 2, which is read for twelve more.
    assert.equal(refusal.freeAtMs, startMs + (2 + 1 + 12) * partMs);
    assert.equal((await reserve('r5', limits, { ...ask, atMs: refusal.freeAtMs - 1 })).outcome, 'refused');
    assert.equal((await reserve('r6', limits, { ...ask, atMs: refusal.freeAtMs })).outcome, 'admitted');
  });

  test('what only running requests hold is told as such', async () => {
    const limits = [rolling(1000)];
    await reserve('r1', limits, { atMs: startMs, tokens: 900 });
    const ask = { atMs: startMs + partMs, tokens: 200 };
    const { counters } = await reserve('r2', limits, ask);
    assert.equal(refusalOf(planOf(limits, ask), counters)?.spent, false);
  });

  test('200 at once from two replicas in several parts: exactly those that fit', async (t) => {
    const other = await given.connectStore(engines.redis.url, { replica: 'another' });
    t.after(() => other.redis.close());
    const limits = [rolling(1000)];
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, at) => {
        const atMs = startMs + (at % 2) * partMs;
        return reserve(`r${at}`, limits, { atMs, tokens: 30, on: at % 3 ? store : other });
      }),
    );
    assert.equal(answers.filter(({ outcome }) => outcome === 'admitted').length, 33);
    assert.equal(answers.filter(({ outcome }) => outcome === 'refused').length, 167);
  });

  test('a refusal writes nothing, of no other limit either', async () => {
    const limits = [rolling(150), given.limit({ amount: 9000, window: '1d' })];
    await reserve('r1', limits, { atMs: startMs });
    const held = await given.dump(store);
    assert.equal((await reserve('r2', limits, { atMs: startMs + 3 * partMs })).outcome, 'refused');
    assert.deepEqual(await given.dump(store), held);
  });

  test('the calendar window of the same length counts apart', async () => {
    const limits = [rolling(1000), given.limit({ amount: 1000 })];
    const plan = planOf(limits, { atMs: startMs });
    assert.equal(new Set(plan.charges.map(({ reservation }) => store.keys('o').counter(reservation))).size, 2);
    const { counters } = await reserve('r1', limits, { atMs: startMs });
    assert.deepEqual(counters, [
      { spent: 0, reserved: 100, parts: { newest: 12, needed: 0 } },
      { spent: 0, reserved: 100 },
    ]);
  });

  test('a request is settled in the part that it was charged in, however late, and counts there', async () => {
    const limits = [rolling(1000)];
    const plan = planOf(limits, { atMs: startMs });
    await reserve('r1', limits, { atMs: startMs });
    await settle('r1', plan, startMs, 700, startMs + HOUR_MS);
    const [charge] = plan.charges;
    assert.deepEqual(await given.counter(store, charge?.reservation), { spent: 700, reserved: 0 });
    const late = { atMs: startMs + HOUR_MS, tokens: 301 };
    assert.equal((await reserve('r2', limits, late)).outcome, 'refused');
    assert.equal((await reserve('r3', limits, { ...late, tokens: 300 })).outcome, 'admitted');
    assert.equal((await reserve('r4', limits, { atMs: startMs + 13 * partMs, tokens: 701 })).outcome, 'refused');
    assert.equal((await reserve('r5', limits, { atMs: startMs + 13 * partMs, tokens: 700 })).outcome, 'admitted');
  });

  test('a part is kept as long as an admission may read it', async () => {
    const plan = planOf([rolling(1000)], { atMs: startMs });
    await reserve('r1', [rolling(1000)], { atMs: startMs });
    const [charge] = plan.charges;
    const key = store.keys(organizationId).counter(charge?.reservation ?? assert.fail());
    const expiresAtMs = Number(await store.redis.command('PEXPIRETIME', key));
    assert.ok(expiresAtMs >= startMs + 13 * partMs);
    assert.ok(expiresAtMs < startMs + 24 * HOUR_MS);
  });
});

test('what nobody reads any more goes, and what is left stays right', async () => {
  const limits = [rolling(1000)];
  const key = store
    .keys(organizationId)
    .counter(planOf(limits, { atMs: startMs }).charges[0]?.reservation ?? assert.fail());
  for (let at = 0; at < 60; at++) {
    const atMs = startMs + at * partMs;
    const answer = await reserve(`r${at}`, limits, { atMs, tokens: 70 });
    assert.equal(answer.outcome, 'admitted');
    assert.equal(answer.counters[0]?.reserved, 70 * Math.min(13, at + 1));
  }
  // Thirteen that count, and one more for a request that comes late.
  assert.ok(Number(await store.redis.command('HLEN', key)) <= 14);
});

test('a rebuild counts leases and sums of all parts, and keeps them as long as the newest', async () => {
  const limits = [rolling(1000)];
  const at = (part: number) => ({ atMs: startMs + part * partMs });
  for (const part of [5, 0, 3]) await reserve(`r${part}`, limits, at(part));
  await store.redis.command('DEL', store.keys(organizationId).epoch);
  const rebuild = (await RebuildStore.begin(store, organizationId)) ?? assert.fail();
  await rebuild.reset(startMs);
  const [newest, oldest] = [5, 0].map((part) => planOf(limits, at(part)).charges[0]?.reservation ?? assert.fail());
  assert.ok(newest && oldest);
  await rebuild.addSums([newest, oldest].map((of) => ({ ...of, usedUntilMs: of.windowStartMs + partMs, spent: 7 })));
  await rebuild.finish(0);
  for (const part of [5, 0, 3]) {
    const [charge] = planOf(limits, at(part)).charges;
    assert.deepEqual(await given.counter(store, charge?.reservation), { spent: part === 3 ? 0 : 7, reserved: 100 });
  }
  const expiresAtMs = Number(await store.redis.command('PEXPIRETIME', store.keys(organizationId).counter(newest)));
  assert.equal(expiresAtMs, counterExpiresAtMs(newest.windowEndMs));
});

describe('rolling windows of single values', () => {
  const limits = (valuesMax: number) => [rolling(250, { per: 'user', valuesMax })];

  test('a value keeps its own counters for the whole window, and its limit over all parts', async () => {
    const answers = [];
    for (const [at, user] of ['ann', 'bob', 'ann', 'ann', 'cid', 'cid', 'ann', 'cid'].entries()) {
      const { outcome, shared } = await reserve(`r${at}`, limits(2), { atMs: startMs + at * partMs, user });
      answers.push([user, outcome, shared?.has(0) ?? false]);
    }
    assert.deepEqual(answers, [
      ['ann', 'admitted', false],
      ['bob', 'admitted', false],
      ['ann', 'admitted', false],
      ['ann', 'refused', false],
      ['cid', 'admitted', true],
      ['cid', 'admitted', true],
      ['ann', 'refused', false],
      ['cid', 'refused', false],
    ]);
  });

  test('a place is free when its value used nothing in the whole window', async () => {
    await reserve('r1', limits(1), { atMs: startMs, user: 'ann' });
    const bob = (at: number) => reserve(`b${at}`, limits(1), { atMs: startMs + at * partMs, user: 'bob', tokens: 1 });
    assert.deepEqual((await bob(12)).shared, new Set([0]));
    assert.equal((await bob(13)).shared, undefined);
    assert.deepEqual(
      (await reserve('r2', limits(1), { atMs: startMs + 14 * partMs, user: 'ann' })).shared,
      new Set([0]),
    );
  });
});
