import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, type TestContext, test } from 'node:test';
import { Delivery, type Receipt, RequestStatus, type Reservation, UsageEvent } from '@tollgate/contracts';
import { startEngines, type TestEngines } from '@tollgate/testing/engines';
import type { Charge } from '../domain/charge.ts';
import { partAt } from '../domain/limit-windows.ts';
import type { Rate } from '../domain/rate.ts';
import { settlementOf } from '../domain/settlement.ts';
import * as given from '../testing/harness.ts';
import type { BudgetStore } from './budget-store.ts';
import { RebuildStore } from './rebuild-store.ts';

// A second call beside one that runs, under limits that reserve estimates: reserved in all of them or in none, given back once.

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

const unlimited = Number.MAX_SAFE_INTEGER;
const tokens = given.reservation();
const cost = given.reservation({ quantity: 'cost_nano_usd', window: '1d', amount: 500 });
const requests = given.reservation({ quantity: 'requests', window: '1d', amount: 1 });
const slots = given.reservation({ quantity: 'concurrency', window: '', windowStartMs: 0, windowEndMs: 0, amount: 1 });
const rolling = (() => {
  const part = partAt('1h', startedAtMs);
  return given.reservation({
    ...{ scope: 'project', scopeId: 'sample', window: 'rolling-1h' },
    ...{ windowStartMs: part.startMs, windowEndMs: part.countsUntilMs },
  });
})();
/** One unit flows back in a minute. */
const rate: Rate = { amount: 1, windowMs: 60_000, burst: 250 };
const flow = given.reservation({
  ...{ window: '1m', windowStartMs: 0, windowEndMs: 0, rate: rate.amount, selector: 'rate' },
});
const all = [tokens, cost, requests, slots, rolling, flow];

const chargeOf = (reservation: Reservation): Charge => ({
  ...{ reservation, limit: unlimited },
  ...(reservation === rolling && { rolling: partAt('1h', startedAtMs) }),
  ...(reservation === flow && { rate }),
});

async function admitted(requestId: string, reservations = all, on = store): Promise<Receipt> {
  const receipt = given.receipt(requestId, reservations);
  const record = UsageEvent.encode(given.usageEvent(receipt)).finish();
  const charges = reservations.map(chargeOf);
  const { outcome } = await on.reserve(organizationId, { requestId, startedAtMs, charges, record });
  assert.equal(outcome, 'admitted');
  return receipt;
}

/** As the owner does it: it notes that it asks. @param limits of counters that refuse, by their reservation */
async function hedge(receipt: Receipt, limits = new Map<Reservation, number>(), on = store): Promise<boolean> {
  receipt.extensions ??= 0;
  return on.extend(receipt, 2, (reservation) => limits.get(reservation));
}

async function settle(event: UsageEvent, seq: number): Promise<void> {
  const settlement = settlementOf(event, seq, startedAtMs);
  assert.ok(settlement);
  assert.equal(await store.settle(organizationId, [settlement]), true);
}

const reserved = async (of: readonly Reservation[] = [tokens, cost, requests, slots, rolling]) =>
  Promise.all(of.map(async (one) => (await given.counter(store, one)).reserved));

/** Units that are used of the rate's burst. */
async function used(): Promise<number> {
  const level = (await store.redis.command('GET', store.keys(organizationId).rate(flow))) as string | null;
  return Math.round(Number(level?.split(':')[0] ?? 0) / rate.windowMs);
}

async function shortLived(t: TestContext): Promise<BudgetStore> {
  const replica = await given.connectStore(engines.redis.url, { leaseMs: 0, replica: 'another' });
  t.after(() => replica.redis.close());
  return replica;
}

async function abandoned(): Promise<UsageEvent> {
  const [record] = await store.expired(organizationId, 10, 1000);
  return UsageEvent.decode(record ?? new Uint8Array());
}

describe('a second call is reserved', () => {
  test('in all that counts tokens or cost, once; it is one request in one slot all the same', async () => {
    const receipt = await admitted('r1');
    assert.deepEqual([await reserved(), await used()], [[100, 500, 1, 1, 100], 100]);
    for (const _ of [1, 2]) assert.equal(await hedge(receipt), true);
    assert.deepEqual([await reserved(), await used()], [[200, 1000, 1, 1, 200], 200]);
  });

  for (const [name, refusing, most] of [
    ['counter', tokens, 200],
    ['counter of cost', cost, 1000],
    ['rolling window', rolling, 200],
    ['rate', flow, 200],
  ] as const) {
    test(`in all or in none: a ${name} without room refuses, and nothing is written`, async () => {
      const receipt = await admitted('r1');
      const before = await given.dump(store);
      assert.equal(await hedge(receipt, new Map([[refusing, most - 1]])), false);
      assert.deepEqual(await given.dump(store), before);
      assert.equal(await hedge(receipt, new Map([[refusing, most]])), true);
    });
  }

  test('in the counter that all others share, where the admission chose that', async () => {
    const value = (name: string) => given.reservation({ selector: 'p-user', value: name });
    const charge = (of: Reservation): Charge => ({ reservation: of, limit: unlimited, valuesMax: 1 });
    const reserve = (requestId: string, of: Reservation) =>
      store.reserve(organizationId, {
        ...{ requestId, startedAtMs, charges: [charge(of)] },
        record: UsageEvent.encode(given.usageEvent(given.receipt(requestId, [of]))).finish(),
      });
    await reserve('r1', value('ann'));
    assert.deepEqual((await reserve('r2', value('bob'))).shared, new Set([0]));
    const receipt = given.receipt('r2', [value('')]);
    assert.equal(await hedge(receipt), true);
    assert.deepEqual(await reserved([value('ann'), value('bob'), value('')]), [100, 0, 200]);
    const lease = UsageEvent.decode((await store.release(organizationId, 'r2', true)) ?? new Uint8Array());
    assert.deepEqual([lease.receipt?.reservations[0]?.value, lease.receipt?.extensions], ['', 1]);
    await settle(given.measured(receipt, 1, 1), 1);
    assert.deepEqual(await reserved([value('')]), [0]);
  });

  test('not without a lease, and not on a server whose counters were not built', async () => {
    const receipt = await admitted('r1');
    assert.equal(await hedge({ ...receipt, requestId: 'r2' }), false);
    await store.redis.command('SET', store.keys(organizationId).epoch, 'another server');
    assert.equal(await hedge(receipt), false);
    await store.redis.command('SET', store.keys(organizationId).epoch, store.redis.runId);
    await settle(given.measured(receipt, 1, 1), 1);
    assert.equal(await hedge(receipt), false, 'it is over');
    assert.deepEqual(await reserved(), [0, 0, 0, 0, 0]);
  });

  test('together with what was charged before it', async () => {
    const receipt = await admitted('r1', [tokens]);
    assert.equal(await store.extend(receipt, 3, () => 299), false);
    assert.equal(await store.extend(receipt, 3, () => 300), true);
    assert.deepEqual(await reserved([tokens]), [300]);
  });
});

test('200 ask at once, by two replicas: reserved up to the limit, never beyond', async (t) => {
  const replica = await given.connectStore(engines.redis.url, { replica: 'another' });
  t.after(() => replica.redis.close());
  const receipts = await Promise.all(Array.from({ length: 200 }, (_, at) => admitted(`r${at}`, [tokens, cost])));
  const limits = new Map([[tokens, 20_000 + 3_000]]);
  const answers = await Promise.all(receipts.map((receipt, at) => hedge(receipt, limits, at % 2 ? store : replica)));
  assert.equal(answers.filter(Boolean).length, 30);
  assert.deepEqual(await reserved([tokens, cost]), [23_000, 200 * 500 + 30 * 500]);
  for (const [at, receipt] of receipts.entries()) await settle(given.measured(receipt, 10, 10), at + 1);
  assert.deepEqual(await reserved([tokens, cost]), [0, 0]);
  assert.deepEqual(await given.counter(store), { spent: 4000, reserved: 0 });
});

test('requests that come, are hedged and end in any order: the limit holds at each step, and nothing stays', async () => {
  const limit = 1_000;
  let seed = 7;
  const random = (below: number) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return seed % below;
  };
  const running: { receipt: Receipt; calls: number }[] = [];
  let seq = 0;
  let hedged = 0;
  let refused = 0;
  const end = async ({ receipt, calls }: { receipt: Receipt; calls: number }) => {
    const event = given.measured(receipt, random(20) * calls, random(20) * calls);
    // Usage may come twice, and behind an estimate.
    if (random(3) === 0) await settle({ ...event, version: 2, billed: undefined }, ++seq);
    for (let times = 0; times <= random(2); times++) await settle(event, ++seq);
  };
  for (let step = 0; step < 400; step++) {
    const at = random(Math.max(1, running.length));
    const one = running[at];
    const kind = random(3);
    if (kind === 0 || one === undefined) {
      const receipt = given.receipt(`r${step}`, [tokens]);
      const record = UsageEvent.encode(given.usageEvent(receipt)).finish();
      const charges = [{ reservation: tokens, limit }];
      const { outcome } = await store.reserve(organizationId, { requestId: `r${step}`, startedAtMs, charges, record });
      if (outcome === 'admitted') running.push({ receipt, calls: 1 });
    } else if (kind === 1) {
      const granted = await hedge(one.receipt, new Map([[tokens, limit]]));
      if (granted) one.calls = 2;
      if (granted) hedged++;
      else refused++;
    } else {
      running.splice(at, 1);
      await end(one);
    }
    const { spent, reserved: held } = await given.counter(store);
    assert.ok(spent + held <= limit, `step ${step}: ${spent} + ${held}`);
    assert.equal(held, 100 * running.reduce((sum, { calls }) => sum + calls, 0), `step ${step}`);
    if (spent > limit / 2) await store.redis.command('HSET', store.keys(organizationId).counter(tokens), 'spent', 0);
  }
  assert.ok(hedged > 10 && refused > 10, `${hedged} hedged, ${refused} refused`);
  for (const one of running) await end(one);
  assert.equal((await given.counter(store)).reserved, 0);
});

describe('it is given back once', () => {
  test('when the usage comes, twice, and better known later', async () => {
    const receipt = await admitted('r1');
    await hedge(receipt);
    const estimated = given.measured(receipt, 60, 20, { version: 2 });
    for (const seq of [1, 1, 2]) await settle(estimated, seq);
    await settle(given.measured(receipt, 70, 30), 3);
    assert.deepEqual([await reserved(), await used()], [[0, 0, 0, 0, 0], 100]);
    assert.deepEqual(await given.counter(store), { spent: 100, reserved: 0 });
    assert.deepEqual(await given.counter(store, requests), { spent: 1, reserved: 0 });
  });

  test('when the owner was never told that it was granted', async () => {
    const receipt = await admitted('r1');
    assert.equal(await hedge(receipt), true);
    assert.equal(receipt.extensions, 0);
    await settle(given.measured(receipt, 60, 20), 1);
    assert.deepEqual([await reserved(), await used()], [[0, 0, 0, 0, 0], 80]);
  });

  test('when its pipeline gave it up, which knows nothing of it', async () => {
    const receipt = await admitted('r1');
    await hedge({ ...receipt });
    const none = { prompt: 0, completion: 0, cachedPrompt: 0, reasoning: 0 };
    const failed = { status: RequestStatus.FAILED, delivered: Delivery.NONE, billed: none, costNanoUsd: 0 };
    await settle(given.usageEvent(receipt, { ...failed, version: 3 }), 1);
    assert.deepEqual(await reserved(), [0, 0, 0, 0, 0]);
  });

  test('when the owner is killed: both calls are charged, until its usage comes after all', async (t) => {
    const replica = await shortLived(t);
    const receipt = await admitted('r1', all, replica);
    assert.equal(await hedge(receipt, undefined, replica), true);
    const row = await abandoned();
    assert.deepEqual([row.billed?.prompt, row.billed?.completion, row.costNanoUsd], [120, 80, 1000]);
    assert.equal(row.receipt?.extensions, 1);
    for (const seq of [1, 2]) await settle(row, seq);
    assert.deepEqual([await reserved(), await used()], [[0, 0, 0, 0, 0], 200]);
    assert.deepEqual(await given.counter(store), { spent: 200, reserved: 0 });
    await settle(given.measured(receipt, 50, 30), 3);
    assert.deepEqual([await given.counter(store), await used()], [{ spent: 80, reserved: 0 }, 80]);
  });

  test('when the lease was lost with its server, and written again by its owner', async () => {
    const receipt = await admitted('r1');
    await hedge(receipt);
    receipt.extensions = 1;
    await given.reset(store);
    const renewal = { receipt, record: UsageEvent.encode(given.usageEvent(receipt)).finish() };
    for (const _ of [1, 2]) await store.renew(organizationId, [renewal]);
    assert.deepEqual(await reserved(), [200, 1000, 1, 1, 200]);
    await settle(given.measured(receipt, 60, 20), 1);
    assert.deepEqual(await reserved(), [0, 0, 0, 0, 0]);
  });

  test('when the lease was written again without it, and it is asked for then', async () => {
    const receipt = await admitted('r1');
    await given.reset(store);
    receipt.extensions = 0;
    const record = UsageEvent.encode(given.usageEvent(receipt)).finish();
    await store.renew(organizationId, [{ receipt, record }]);
    assert.deepEqual(await reserved(), [100, 500, 1, 1, 100]);
    assert.equal(await hedge(receipt), true);
    assert.deepEqual(await reserved(), [200, 1000, 1, 1, 200]);
    await settle(given.measured(receipt, 60, 20), 1);
    assert.deepEqual(await reserved(), [0, 0, 0, 0, 0]);
  });

  test('when the counters are rebuilt while both run, or after they ended', async () => {
    const [running, over] = [await admitted('r1'), await admitted('r2')];
    for (const receipt of [running, over]) await hedge(receipt);
    await store.redis.command('DEL', store.keys(organizationId).epoch);
    const rebuild = await RebuildStore.begin(store, organizationId);
    await rebuild?.reset(startedAtMs);
    assert.deepEqual(await reserved(), [400, 2000, 2, 2, 400]);
    const replayed = settlementOf(given.measured(over, 60, 20), 1, startedAtMs);
    assert.ok(replayed);
    await rebuild?.settle([replayed]);
    await rebuild?.finish(0);
    assert.deepEqual(await reserved(), [200, 1000, 1, 1, 200]);
    await settle(given.measured(running, 60, 20), 2);
    assert.deepEqual(await reserved(), [0, 0, 0, 0, 0]);
    assert.deepEqual(await given.counter(store), { spent: 160, reserved: 0 });
  });
});

test('a request that was not hedged is settled by the same commands as ever', async () => {
  const reads = async () => {
    const info = String(await store.redis.command('INFO', 'commandstats'));
    return Number(/cmdstat_hget:calls=(\d+)/.exec(info)?.[1] ?? 0);
  };
  const counts: number[] = [];
  for (const requestId of ['plain', 'hedged']) {
    const receipt = await admitted(requestId, [tokens]);
    if (requestId === 'hedged') await hedge(receipt);
    const before = await reads();
    await settle(given.measured(receipt, 1, 1), 1);
    counts.push((await reads()) - before);
  }
  assert.deepEqual(counts, [2, 3], 'its marks; and how often the lease holds it');
});
