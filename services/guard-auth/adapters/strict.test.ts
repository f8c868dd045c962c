import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, type TestContext, test } from 'node:test';
import { type Receipt, type Reservation, UsageEvent } from '@tollgate/contracts';
import { startEngines, type TestEngines } from '@tollgate/testing/engines';
import { type Bound, boundPart } from '../domain/bound.ts';
import type { Charge, ChargePart } from '../domain/charge.ts';
import { withGrant } from '../domain/grant.ts';
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

const bound: Bound = {
  ...{ promptTokens: 100, promptCostNanoUsd: 5000, choices: 1, tokenCostNanoUsd: 70 },
  ...{ outputTokensMax: 400, outputTokensMin: 16 },
};

type Quantity = 'tokens' | 'prompt_tokens' | 'completion_tokens' | 'cost_nano_usd' | 'requests';

function strict(limit: number, change: Partial<Reservation> = {}, of = bound): Charge {
  const quantity = (change.quantity ?? 'tokens') as Quantity;
  const part = boundPart(of, quantity);
  const amount = part.fixed + part.unit * of.outputTokensMin;
  return { reservation: given.reservation({ amount, strictLimit: limit, ...change }), limit, part };
}

function other(limit: number, part: ChargePart, change: Partial<Reservation> = {}): Charge {
  const amount = Math.min(part.fixed + part.unit * bound.outputTokensMin, part.most ?? Number.POSITIVE_INFINITY);
  return { reservation: given.reservation({ window: '1d', amount, ...change }), limit, part };
}

function receiptOf(requestId: string, charges: Charge[]): Receipt {
  const reservations = charges.map(({ reservation }) => reservation);
  return { ...given.receipt(requestId, reservations), estimatedPromptTokens: bound.promptTokens };
}

async function reserve(requestId: string, charges: Charge[], of = bound, on = store): Promise<ReserveAnswer> {
  const record = UsageEvent.encode(given.usageEvent(receiptOf(requestId, charges))).finish();
  return on.reserve(organizationId, { requestId, startedAtMs, charges, bound: of, record });
}

/** The receipt as it travels with the request. */
async function admitted(requestId: string, charges: Charge[], of = bound): Promise<Receipt> {
  const { outcome, grant } = await reserve(requestId, charges, of);
  assert.equal(outcome, 'admitted');
  assert.ok(grant);
  return withGrant(receiptOf(requestId, charges), grant);
}

function settle(event: UsageEvent, seq: number): Promise<boolean> {
  const settlement = settlementOf(event, seq, startedAtMs);
  assert.ok(settlement);
  return store.settle(organizationId, [settlement]);
}

const used = (of: Receipt, prompt: number, completion: number) => settle(given.measured(of, prompt, completion), 1);

async function another(t: TestContext): Promise<BudgetStore> {
  const replica = await given.connectStore(engines.redis.url, { replica: 'another' });
  t.after(() => replica.redis.close());
  return replica;
}

describe('what is granted', () => {
  test('is what was wanted while there is room, then what is left, then nothing', async () => {
    const grants = [];
    for (const id of ['r1', 'r2', 'r3', 'r4']) {
      const { outcome, grant, counters } = await reserve(id, [strict(1150)]);
      grants.push([outcome, grant?.outputTokensMax, grant?.amounts, counters[0]?.reserved]);
    }
    assert.deepEqual(grants, [
      ['admitted', 400, [500], 500],
      ['admitted', 400, [500], 1000],
      ['admitted', 50, [150], 1150],
      ['refused', 16, [116], 1150],
    ]);
  });

  test('fewer than the least is refused, and nothing is written', async () => {
    const before = await given.dump(store);
    assert.equal((await reserve('r1', [strict(115)])).outcome, 'refused');
    assert.equal((await reserve('r1', [strict(10)])).outcome, 'refused');
    assert.deepEqual(await given.dump(store), before);
    assert.equal((await reserve('r1', [strict(116)])).outcome, 'admitted');
  });

  test('is one for all strict limits of all quantities: the smallest', async () => {
    const receipt = await admitted('r1', [
      strict(9000),
      strict(5000 + 70 * 60 + 69, { quantity: 'cost_nano_usd' }),
      strict(300, { quantity: 'completion_tokens' }),
      strict(100, { quantity: 'prompt_tokens' }),
    ]);
    assert.equal(receipt.outputTokensMax, 60);
    assert.deepEqual(
      receipt.reservations.map(({ amount }) => amount),
      [160, 5000 + 70 * 60, 60, 100],
    );
    assert.equal(receipt.estimatedCompletionTokens, 60);
  });

  test('is for each of n answers', async () => {
    const twice = { ...bound, choices: 3 };
    const receipt = await admitted('r1', [strict(700, {}, twice)], twice);
    assert.deepEqual([receipt.outputTokensMax, receipt.estimatedCompletionTokens], [200, 600]);
    assert.equal(receipt.reservations[0]?.amount, 700);
  });

  test('bounds what other limits reserve, which else is their estimate', async () => {
    const estimate = { fixed: 60, unit: 1, most: 160 };
    const [wide, narrow] = [strict(9000), strict(130)];
    const receipt = await admitted('r1', [
      wide,
      other(9000, estimate),
      other(9000, { fixed: 1, unit: 0, most: 1 }, { quantity: 'requests' }),
    ]);
    assert.deepEqual(
      receipt.reservations.map(({ amount }) => amount),
      [500, 160, 1],
    );
    await given.reset(store);
    const less = await admitted('r2', [narrow, other(90, estimate)]);
    assert.deepEqual(
      less.reservations.map(({ amount }) => amount),
      [130, 90],
    );
  });

  test('another limit without room refuses, and is told what it was asked', async () => {
    const { outcome, grant } = await reserve('r1', [strict(9000), other(100, { fixed: 60, unit: 1, most: 160 })]);
    assert.deepEqual([outcome, grant?.amounts], ['refused', [500, 160]]);
    assert.deepEqual(await given.leases(store), []);
  });

  test('is reserved of the counter that the script chose for a value', async () => {
    const apart = (value: string): Charge => ({ ...strict(550, { selector: 'p-user', value }), valuesMax: 1 });
    const first = await reserve('r1', [apart('ann'), strict(9000)]);
    const second = await reserve('r2', [apart('bob'), strict(9000)]);
    const third = await reserve('r3', [apart('cid'), strict(9000)]);
    assert.deepEqual(first.grant?.amounts, [500, 500]);
    assert.deepEqual([second.outcome, second.shared, second.grant?.amounts], ['admitted', new Set([0]), [500, 500]]);
    assert.deepEqual([third.outcome, third.grant?.outputTokensMax], ['refused', 16], '50 are left for all others');
    const record = await store.release(organizationId, 'r2', true);
    const { receipt, billed } = UsageEvent.decode(record ?? new Uint8Array());
    assert.deepEqual([receipt?.reservations[0]?.value, receipt?.reservations[0]?.amount], ['', 500]);
    assert.deepEqual([billed?.prompt, billed?.completion], [100, 400]);
  });
});

test('200 at once from two replicas on a nearly spent budget: reserved exactly up to the limit, never beyond', async (t) => {
  const limit = 100_000;
  const most: Bound = { ...bound, outputTokensMax: 98_000 };
  await used(await admitted('spent', [strict(limit, {}, most)], most), 100, 97_000);
  assert.deepEqual(await given.counter(store), { spent: 97_100, reserved: 0 });
  const replica = await another(t);
  const answers = await Promise.all(
    Array.from({ length: 200 }, (_, at) => reserve(`r${at}`, [strict(limit)], bound, at % 2 ? store : replica)),
  );
  const granted = answers.flatMap(({ outcome, grant }) =>
    outcome === 'admitted' && grant ? grant.outputTokensMax : [],
  );
  const { spent, reserved } = await given.counter(store);
  // 2,900 are left: five times 500 and once what is left of them.
  assert.deepEqual(granted.toSorted(), [300, 400, 400, 400, 400, 400]);
  assert.equal(spent + reserved, limit);
  const overspend = (100 * Math.max(0, spent + reserved - limit)) / limit;
  t.diagnostic(`overspend of reserved and spent at 200 parallel requests: ${overspend} %`);
  assert.equal(overspend, 0);
});

describe('the lease', () => {
  test('a repeat gets the first grant, by another replica too', async (t) => {
    const first = await admitted('r1', [strict(450)]);
    const { outcome, record } = await reserve('r1', [strict(450)], bound, await another(t));
    assert.equal(outcome, 'repeated');
    const lease = UsageEvent.decode(record ?? new Uint8Array());
    assert.deepEqual(lease.receipt, { ...first, extensions: undefined, bodyBytes: undefined });
    assert.equal(first.outputTokensMax, 350);
    assert.deepEqual(await given.counter(store), { spent: 0, reserved: 450 });
  });

  test('becomes a row that is charged what was reserved', async (t) => {
    const replica = await given.connectStore(engines.redis.url, { leaseMs: 0, replica: 'another' });
    t.after(() => replica.redis.close());
    const charges = [strict(450), strict(1e6, { quantity: 'cost_nano_usd' })];
    await reserve('r1', charges, bound, replica);
    const [record] = await store.expired(organizationId, 10, 1000);
    const row = UsageEvent.decode(record ?? new Uint8Array());
    assert.deepEqual([row.billed?.prompt, row.billed?.completion, row.costNanoUsd], [100, 350, 5000 + 350 * 70]);
    await settle(row, 1);
    assert.deepEqual(await given.counter(store), { spent: 450, reserved: 0 });
    const cost = charges[1]?.reservation;
    assert.deepEqual(await given.counter(store, cost), { spent: 5000 + 350 * 70, reserved: 0 });
  });
});

describe('a further attempt', () => {
  const requests = given.reservation({ quantity: 'requests', window: '1d', amount: 1 });
  const charges = (limit: number) => [strict(limit), { reservation: requests, limit: 9, part: { fixed: 1, unit: 0 } }];

  test('is reserved once, however often it is asked for, and settling gives all of it back', async () => {
    const receipt = await admitted('r1', charges(1100));
    for (const _ of [1, 2]) assert.equal(await store.extend(receipt, 2), true);
    assert.deepEqual(await given.counter(store), { spent: 0, reserved: 1000 });
    assert.deepEqual(await given.counter(store, requests), { spent: 0, reserved: 1 }, 'it is one request all the same');
    assert.equal(await store.extend(receipt, 3), false, '100 are left');
    assert.deepEqual(await given.counter(store), { spent: 0, reserved: 1000 });
    // The owner need not know that it was granted.
    await used(receipt, 600, 100);
    assert.deepEqual(await given.counter(store), { spent: 700, reserved: 0 });
    assert.deepEqual(await given.counter(store, requests), { spent: 1, reserved: 0 });
  });

  test('is not reserved without a lease, or on a server whose counters were not built', async () => {
    const receipt = await admitted('r1', charges(9000));
    assert.equal(await store.extend({ ...receipt, requestId: 'r2' }, 2), false);
    await store.redis.command('SET', store.keys(organizationId).epoch, 'another server');
    assert.equal(await store.extend(receipt, 2), false);
    await store.redis.command('SET', store.keys(organizationId).epoch, store.redis.runId);
    await used(receipt, 1, 1);
    assert.equal(await store.extend(receipt, 2), false);
    assert.deepEqual(await given.counter(store), { spent: 2, reserved: 0 });
  });

  test('is charged when the owner dies', async (t) => {
    const receipt = await admitted('r1', charges(1000));
    const replica = await given.connectStore(engines.redis.url, { leaseMs: 0, replica: 'another' });
    t.after(() => replica.redis.close());
    assert.equal(await replica.extend(receipt, 2), true);
    const [record] = await store.expired(organizationId, 10, 1000);
    const row = UsageEvent.decode(record ?? new Uint8Array());
    assert.deepEqual([row.billed?.prompt, row.billed?.completion, row.receipt?.extensions], [200, 800, 1]);
    await settle(row, 1);
    assert.deepEqual(await given.counter(store), { spent: 1000, reserved: 0 });
  });

  test('is reserved again by a lease that is written again, and by a rebuild that finds it', async () => {
    const receipt = await admitted('r1', charges(1000));
    await given.reset(store);
    const renewed = { ...receipt, extensions: 1 };
    await store.renew(organizationId, [
      { receipt: renewed, record: UsageEvent.encode(given.usageEvent(renewed)).finish() },
    ]);
    assert.deepEqual(await given.counter(store), { spent: 0, reserved: 1000 });
    assert.equal(await store.extend(receipt, 2), true, 'it was done');
    await store.redis.command('DEL', store.keys(organizationId).epoch);
    const rebuild = await RebuildStore.begin(store, organizationId);
    await rebuild?.reset(startedAtMs);
    await rebuild?.finish(0);
    assert.deepEqual(await given.counter(store), { spent: 0, reserved: 1000 });
    assert.deepEqual(await given.counter(store, requests), { spent: 0, reserved: 1 });
    await used(receipt, 600, 100);
    assert.deepEqual(await given.counter(store), { spent: 700, reserved: 0 });
  });
});
