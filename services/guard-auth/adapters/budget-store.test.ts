import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, type TestContext, test } from 'node:test';
import { UsageEvent } from '@tollgate/contracts';
import { startEngines, type TestEngines } from '@tollgate/testing/engines';
import type { Charge } from '../domain/charge.ts';
import { type Settlement, settlementOf } from '../domain/settlement.ts';
import * as given from '../testing/harness.ts';
import { sentBy, sentCommands, youngerThan72 } from '../testing/redis-commands.ts';
import type { BudgetStore, ReserveAnswer } from './budget-store.ts';

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

async function another(t: TestContext, options: { leaseMs?: number } = {}): Promise<BudgetStore> {
  const replica = await given.connectStore(engines.redis.url, { ...options, replica: 'another' });
  t.after(() => replica.redis.close());
  return replica;
}

function charge(limit: number, change: Parameters<typeof given.reservation>[0] = {}): Charge {
  return { reservation: given.reservation(change), limit };
}

function reserve(requestId: string, charges: Charge[] = [charge(1000)], on = store): Promise<ReserveAnswer> {
  const receipt = given.receipt(
    requestId,
    charges.map(({ reservation }) => reservation),
  );
  const record = UsageEvent.encode(given.usageEvent(receipt)).finish();
  return on.reserve(organizationId, { requestId, startedAtMs, charges, record });
}

function settlement(event: UsageEvent, seq: number): Settlement {
  const found = settlementOf(event, seq, startedAtMs);
  assert.ok(found);
  return found;
}

function settle(...events: [event: UsageEvent, seq: number][]): Promise<boolean> {
  return store.settle(
    organizationId,
    events.map(([event, seq]) => settlement(event, seq)),
  );
}

const abandoned = (id: string) => given.usageEvent(given.receipt(id));
const measured = (id: string, prompt: number, completion: number) =>
  given.measured(given.receipt(id), prompt, completion);

describe('reserve', () => {
  test('charges every counter and writes the lease', async () => {
    const day = charge(5000, { window: '1d', scope: 'organization', scopeId: organizationId });
    const answer = await reserve('r1', [charge(1000), day]);
    assert.equal(answer.outcome, 'admitted');
    assert.deepEqual(answer.counters, [
      { spent: 0, reserved: 100 },
      { spent: 0, reserved: 100 },
    ]);
    assert.deepEqual(await given.counter(store, day.reservation), { spent: 0, reserved: 100 });
    assert.deepEqual(await given.leases(store), ['r1']);
  });

  test('one limit without room refuses all, and writes nothing', async () => {
    await reserve('r1');
    const before = await given.dump(store);
    const answer = await reserve('r2', [charge(1000), charge(50, { window: '1d' })]);
    assert.equal(answer.outcome, 'refused');
    assert.deepEqual(answer.counters, [
      { spent: 0, reserved: 100 },
      { spent: 0, reserved: 0 },
    ]);
    assert.deepEqual(await given.dump(store), before);
  });

  test('fills a limit to its last token and not beyond', async () => {
    assert.equal((await reserve('r1', [charge(100)])).outcome, 'admitted');
    assert.equal((await reserve('r2', [charge(100, { amount: 1 })])).outcome, 'refused');
  });

  test('a repeat gets the first answer and is charged once', async () => {
    await reserve('r1');
    const again = await reserve('r1', [charge(1000, { amount: 300 })]);
    assert.equal(again.outcome, 'repeated');
    assert.deepEqual(again.counters, [{ spent: 0, reserved: 100 }]);
    assert.equal(UsageEvent.decode(again.record ?? new Uint8Array()).receipt?.reservations[0]?.amount, 100);
    assert.deepEqual(await given.counter(store), { spent: 0, reserved: 100 });
  });

  test('a repeat gets the first answer even when nothing is left', async () => {
    await reserve('r1', [charge(100)]);
    assert.equal((await reserve('r1', [charge(100)])).outcome, 'repeated');
  });

  describe('counters of single values', () => {
    const of = (value: string) => given.reservation({ selector: 'p-user', value });
    const apart = (value: string, valuesMax = 2, limit = 250): Charge => ({ reservation: of(value), limit, valuesMax });
    const reservedBy = async (value: string) => (await given.counter(store, of(value))).reserved;

    test('each has its own limit; beyond so many values all others share one', async () => {
      const answers = [];
      for (const [at, user] of ['ann', 'bob', 'ann', 'ann', 'cid', 'dan', 'eve', 'bob'].entries()) {
        const { outcome, shared } = await reserve(`r${at}`, [charge(9000), apart(user)]);
        answers.push([user, outcome, shared?.has(1) ?? false]);
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
      assert.deepEqual(await Promise.all(['ann', 'bob', 'cid', ''].map(reservedBy)), [200, 200, 0, 200]);
    });

    test('a refused value takes no place', async () => {
      await reserve('r1', [charge(50), apart('ann', 1)]);
      assert.equal((await reserve('r2', [charge(500), apart('bob', 1)])).shared, undefined);
    });

    test('the answer has the counters in the order of the charges, and they go with their window', async () => {
      const { counters } = await reserve('r1', [apart('ann'), charge(1000, { amount: 7 })]);
      assert.deepEqual(counters, [
        { spent: 0, reserved: 100 },
        { spent: 0, reserved: 7 },
      ]);
      const keys = store.keys(organizationId);
      for (const key of [keys.counter(of('ann')), keys.values(of('ann'))]) {
        assert.ok(((await store.redis.command('PTTL', key)) as number) > 0, key);
      }
    });

    test('the lease remembers which counter was charged, so that its end frees that one', async (t) => {
      await reserve('r1', [apart('ann', 1)]);
      const first = await reserve('r2', [apart('bob', 1)]);
      assert.deepEqual(first.shared, new Set([0]));
      const repeated = await reserve('r2', [apart('bob', 1)], await another(t));
      const receipt = UsageEvent.decode(repeated.record ?? new Uint8Array()).receipt;
      assert.deepEqual(receipt?.reservations, [of('')]);
      assert.equal(await store.release(organizationId, 'r2', true), undefined);
      assert.ok(receipt);
      await settle([given.measured(receipt, 30, 12), 1]);
      assert.deepEqual(await given.counter(store, of('')), { spent: 42, reserved: 0 });
      assert.deepEqual(await given.leases(store), ['r1']);
    });

    test('our own admission is released with its choice', async () => {
      await reserve('r1', [apart('ann', 1)]);
      await reserve('r2', [apart('bob', 1)]);
      const record = await store.release(organizationId, 'r2', true);
      assert.deepEqual(UsageEvent.decode(record ?? new Uint8Array()).receipt?.reservations, [of('')]);
    });
  });

  test('a late repeat of a settled request is not admitted again', async () => {
    await reserve('r1');
    await settle([measured('r1', 5, 5), 1]);
    assert.equal((await reserve('r1')).outcome, 'over');
    assert.deepEqual(await given.counter(store), { spent: 10, reserved: 0 });
  });

  test('nothing is admitted on a server whose counters were not built', async () => {
    await store.redis.command('SET', store.keys(organizationId).epoch, 'another server');
    assert.equal((await reserve('r1')).outcome, 'rebuilding');
    await store.redis.command('DEL', store.keys(organizationId).epoch);
    assert.equal((await reserve('r1')).outcome, 'rebuilding');
    assert.deepEqual(await given.dump(store), {});
  });

  test('200 at once from two replicas on a nearly spent budget: exactly those that fit', async (t) => {
    const most = charge(10_000, { amount: 9_900 });
    await reserve('spent', [most]);
    await settle([given.measured(given.receipt('spent', [most.reservation]), 9_900, 0), 1]);
    const other = await another(t);
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, at) =>
        reserve(`r${at}`, [charge(10_000, { amount: 10 })], at % 2 ? store : other),
      ),
    );
    assert.equal(answers.filter(({ outcome }) => outcome === 'admitted').length, 10);
    assert.equal(answers.filter(({ outcome }) => outcome === 'refused').length, 190);
    assert.deepEqual(await given.counter(store), { spent: 9_900, reserved: 100 });
  });

  test('counters go away by themselves some time after their window', async () => {
    await reserve('r1');
    const key = store.keys(organizationId).counter(given.reservation());
    const expiresAtMs = Number(await store.redis.command('PEXPIRETIME', key));
    assert.ok(expiresAtMs > given.reservation().windowEndMs);
    assert.ok(expiresAtMs < given.reservation().windowEndMs + 24 * 3_600_000);
  });
});

describe('settle', () => {
  test('moves what was reserved to what was used, and ends the lease', async () => {
    await reserve('r1');
    assert.equal(await settle([measured('r1', 30, 12), 1]), true);
    assert.deepEqual(await given.counter(store), { spent: 42, reserved: 0 });
    assert.deepEqual(await given.leases(store), []);
    assert.equal(await store.redis.command('HLEN', store.keys(organizationId).receipts), 0);
  });

  test('the same event again, alone or in one batch, changes nothing', async () => {
    await reserve('r1');
    await settle([measured('r1', 30, 12), 1], [measured('r1', 30, 12), 1]);
    const before = await given.counter(store);
    await settle([measured('r1', 30, 12), 1]);
    await settle([measured('r1', 30, 12), 9]);
    assert.deepEqual(await given.counter(store), before);
    assert.deepEqual(before, { spent: 42, reserved: 0 });
  });

  test('a measurement after an abandoned lease is charged by the difference', async () => {
    await reserve('r1');
    await settle([abandoned('r1'), 1]);
    assert.deepEqual(await given.counter(store), { spent: 100, reserved: 0 });
    await settle([measured('r1', 30, 12), 2]);
    assert.deepEqual(await given.counter(store), { spent: 42, reserved: 0 });
  });

  test('an abandoned event that comes after the measurement changes nothing', async () => {
    await reserve('r1');
    await settle([measured('r1', 30, 12), 1]);
    await settle([abandoned('r1'), 2]);
    assert.deepEqual(await given.counter(store), { spent: 42, reserved: 0 });
  });

  test('versions in any order end at the newest', async () => {
    const versions: UsageEvent[] = [abandoned('r1'), { ...measured('r1', 50, 20), version: 2 }, measured('r1', 30, 12)];
    for (const order of [
      [0, 1, 2],
      [2, 1, 0],
      [1, 0, 2],
      [1, 2, 0],
      [0, 2, 1],
      [2, 0, 1],
    ]) {
      await given.reset(store);
      await reserve('r1');
      for (const [seq, at] of order.entries()) await settle([versions[at] as UsageEvent, seq + 1]);
      assert.deepEqual(await given.counter(store), { spent: 42, reserved: 0 }, order.join());
    }
  });

  test('usage whose lease is not there is charged, and nothing is freed', async () => {
    await reserve('other');
    await settle([measured('lost', 30, 12), 1]);
    assert.deepEqual(await given.counter(store), { spent: 42, reserved: 100 });
  });

  test('debt is kept: spending more than the limit is counted', async () => {
    await reserve('r1', [charge(100)]);
    await settle([measured('r1', 5000, 0), 1]);
    assert.deepEqual(await given.counter(store), { spent: 5000, reserved: 0 });
    assert.equal((await reserve('r2', [charge(5000, { amount: 1 })])).outcome, 'refused');
  });

  test('each quantity is charged its own figure, exactly above 2^32', async () => {
    const quantities = ['tokens', 'prompt_tokens', 'completion_tokens', 'cost_nano_usd', 'requests'];
    const reservations = quantities.map((quantity) => given.reservation({ quantity, amount: 1 }));
    const event = given.measured(given.receipt('r1', reservations), 30, 12, { costNanoUsd: 9_007_199_254_740_000 });
    await settle([event, 1]);
    const spent = await Promise.all(reservations.map(async (of) => (await given.counter(store, of)).spent));
    assert.deepEqual(spent, [42, 30, 12, 9_007_199_254_740_000, 1]);
  });

  test('a request counts once, in whatever versions and however often its usage comes', async () => {
    const requests = given.reservation({ quantity: 'requests', amount: 1 });
    const receipt = given.receipt('r1', [requests]);
    await reserve('r1', [{ reservation: requests, limit: 1 }]);
    assert.equal((await reserve('r2', [{ reservation: requests, limit: 1 }])).outcome, 'refused');
    assert.deepEqual(await given.counter(store, requests), { spent: 0, reserved: 1 });
    await settle([given.usageEvent(receipt), 1], [given.measured(receipt, 9, 9), 2]);
    await settle([given.measured(receipt, 9, 9), 2], [given.usageEvent(receipt), 3]);
    assert.deepEqual(await given.counter(store, requests), { spent: 1, reserved: 0 });
    assert.equal((await reserve('r3', [{ reservation: requests, limit: 1 }])).outcome, 'refused');
  });

  test('slots come back at the end of a request, once, and an empty counter goes', async () => {
    const slots = given.reservation({
      quantity: 'concurrency',
      window: '',
      windowStartMs: 0,
      windowEndMs: 0,
      amount: 1,
    });
    const charges = [{ reservation: slots, limit: 2 }];
    const ended = (id: string) => given.measured(given.receipt(id, [slots]), 5, 5);
    for (const id of ['r1', 'r2']) assert.equal((await reserve(id, charges)).outcome, 'admitted');
    assert.equal(await store.redis.command('PTTL', store.keys(organizationId).counter(slots)), -1);
    assert.equal((await reserve('r3', charges)).outcome, 'refused');
    await settle([ended('r1'), 1], [ended('r1'), 1]);
    await settle([given.usageEvent(given.receipt('r1', [slots])), 2]);
    assert.deepEqual(await given.counter(store, slots), { spent: 0, reserved: 1 });
    assert.equal((await reserve('r3', charges)).outcome, 'admitted');
    await settle([ended('r2'), 3], [ended('r3'), 4]);
    assert.equal(await store.redis.command('EXISTS', store.keys(organizationId).counter(slots)), 0);
  });

  describe('a limit on some models', () => {
    const filtered = given.reservation({ models: ['gpt-4o'], selector: 'm-1' });
    const of = (id: string) => given.receipt(id, [filtered, given.reservation()]);
    const served = (id: string, model: string, version = 3) => given.measured(of(id), 30, 12, { model, version });
    const counters = async () => [await given.counter(store, filtered), await given.counter(store)];
    const admit = (id: string) => reserve(id, [charge(1000, filtered), charge(1000)]);

    test('is charged for what they served, and gets back what it held for another', async () => {
      for (const id of ['r1', 'r2']) await admit(id);
      assert.deepEqual((await counters())[0], { spent: 0, reserved: 200 });
      await settle([served('r1', 'gpt-4o'), 1], [served('r2', 'mini'), 2]);
      assert.deepEqual(await counters(), [
        { spent: 42, reserved: 0 },
        { spent: 84, reserved: 0 },
      ]);
    });

    test('counts what no model is known of, until it is', async () => {
      await admit('r1');
      await settle([given.usageEvent(of('r1')), 1]);
      assert.deepEqual((await counters())[0], { spent: 100, reserved: 0 });
      await settle([served('r1', 'mini', 2), 2]);
      assert.deepEqual((await counters())[0], { spent: 0, reserved: 0 });
      await settle([served('r1', 'gpt-4o'), 3]);
      assert.deepEqual((await counters())[0], { spent: 42, reserved: 0 });
    });
  });

  test('what the floor covers is not charged again, though its mark is gone', async () => {
    await reserve('r1');
    await settle([measured('r1', 30, 12), 7]);
    await store.trim(organizationId, 7, 7);
    assert.deepEqual(await store.redis.command('KEYS', '*settled*'), []);
    await settle([measured('r1', 30, 12), 7]);
    assert.deepEqual(await given.counter(store), { spent: 42, reserved: 0 });
  });

  test('marks newer than what may be forgotten stay, as do unmeasured ones', async () => {
    await settle([measured('old', 1, 1), 7], [measured('new', 1, 1), 9], [abandoned('open'), 3]);
    await store.trim(organizationId, 9, 8);
    await settle([measured('old', 1, 1), 20], [measured('open', 30, 12), 21]);
    // One bucket for all three, whose newest sequence is 9: nothing was forgotten.
    assert.deepEqual(await given.counter(store), { spent: 2 + 2 + 42, reserved: 0 });
  });

  test('says so, and does nothing, on a server whose counters were not built', async () => {
    await store.redis.command('DEL', store.keys(organizationId).epoch);
    assert.equal(await settle([measured('r1', 30, 12), 1]), false);
    assert.deepEqual(await given.dump(store), {});
  });
});

describe('leases', () => {
  const record = (id: string) => UsageEvent.encode(abandoned(id)).finish();
  const renew = (id: string) => store.renew(organizationId, [{ receipt: given.receipt(id), record: record(id) }]);

  test('renewal moves the expiry and charges nothing', async () => {
    await reserve('r1');
    const { leases } = store.keys(organizationId);
    await store.redis.command('ZADD', leases, 1, 'r1');
    await renew('r1');
    const now = (await store.redis.command('TIME')) as [string, string];
    assert.ok(Number(await store.redis.command('ZSCORE', leases, 'r1')) >= Number(now[0]) * 1000 + 25_000);
    assert.deepEqual(await given.counter(store), { spent: 0, reserved: 100 });
  });

  test('renewal writes a lost lease again, once', async () => {
    await renew('r1');
    await renew('r1');
    assert.deepEqual(await given.leases(store), ['r1']);
    assert.deepEqual(await given.counter(store), { spent: 0, reserved: 100 });
    await settle([measured('r1', 30, 12), 1]);
    assert.deepEqual(await given.counter(store), { spent: 42, reserved: 0 });
  });

  test('renewal that arrives after the end brings no lease back', async () => {
    await reserve('r1');
    await settle([measured('r1', 30, 12), 1]);
    await renew('r1');
    assert.deepEqual(await given.leases(store), []);
    assert.deepEqual(await given.counter(store), { spent: 42, reserved: 0 });
  });

  test('expired leases go to one asker, come again when unsettled, and end by settling', async (t) => {
    const hasty = await another(t, { leaseMs: 0 });
    await reserve('r1', undefined, hasty);
    await reserve('r2', undefined, hasty);
    await reserve('alive');
    const [one, two] = await Promise.all([
      store.expired(organizationId, 10, 60_000),
      hasty.expired(organizationId, 10, 60_000),
    ]);
    const ids = [...one, ...two].map((bytes) => UsageEvent.decode(bytes).receipt?.requestId);
    assert.deepEqual(ids.sort(), ['r1', 'r2']);
    assert.deepEqual(await store.expired(organizationId, 10, 60_000), []);
    assert.equal((await given.leases(store)).length, 3);
    assert.deepEqual(await given.counter(store), { spent: 0, reserved: 300 });

    await store.redis.command('ZADD', store.keys(organizationId).leases, 1, 'r1');
    assert.equal((await store.expired(organizationId, 10, 60_000)).length, 1);
    await settle([abandoned('r1'), 1], [abandoned('r1'), 2], [abandoned('r2'), 3]);
    assert.deepEqual(await given.leases(store), ['alive']);
    assert.deepEqual(await given.counter(store), { spent: 200, reserved: 100 });
  });

  test('settling in time leaves the reaper nothing, however short the lease', async (t) => {
    const hasty = await another(t, { leaseMs: 0 });
    await reserve('r1', undefined, hasty);
    await settle([measured('r1', 30, 12), 1]);
    assert.deepEqual(await store.expired(organizationId, 10, 1000), []);
  });

  test('release returns the record of an admission that was made', async () => {
    await reserve('r1');
    const bytes = await store.release(organizationId, 'r1', false);
    assert.equal(UsageEvent.decode(bytes ?? new Uint8Array()).receipt?.requestId, 'r1');
    assert.equal((await reserve('r1')).outcome, 'over');
  });

  test('release that overtakes its admission keeps it from being made', async () => {
    assert.equal(await store.release(organizationId, 'r1', false), undefined);
    assert.equal((await reserve('r1')).outcome, 'over');
    assert.deepEqual(await given.counter(store), { spent: 0, reserved: 0 });
  });
});

describe('an admission of which the replica could not hear', () => {
  test('is released when nobody else knows of it', async () => {
    await reserve('r1');
    assert.ok(await store.release(organizationId, 'r1', true));
  });

  test('stays when another replica made it', async (t) => {
    await reserve('r1', undefined, await another(t));
    assert.equal(await store.release(organizationId, 'r1', true), undefined);
    assert.equal((await reserve('r1')).outcome, 'repeated');
  });

  test('stays when another replica gave the same answer', async (t) => {
    await reserve('r1');
    await reserve('r1', undefined, await another(t));
    assert.equal(await store.release(organizationId, 'r1', true), undefined);
    assert.ok(await store.release(organizationId, 'r1', false));
  });
});

test('a server out of memory refuses whole scripts: nothing is done by halves', async () => {
  await reserve('r1');
  const before = await given.dump(store);
  await store.redis.command('CONFIG', 'SET', 'maxmemory', 1);
  try {
    await assert.rejects(reserve('r2'), { reason: 'refused' });
    await assert.rejects(settle([measured('r1', 30, 12), 1]), { reason: 'refused' });
  } finally {
    await store.redis.command('CONFIG', 'SET', 'maxmemory', 0);
  }
  assert.deepEqual(await given.dump(store), before);
  await settle([measured('r1', 30, 12), 1]);
  assert.deepEqual(await given.counter(store), { spent: 42, reserved: 0 });
});

test('all keys of an organization are in one slot', () => {
  const keys = store.keys(organizationId);
  const all = [keys.epoch, keys.leases, keys.released('x'), keys.counter(given.reservation()), keys.settled('1')];
  for (const key of all) assert.ok(key.startsWith(`tg:v1:{${organizationId}}:`), key);
});

describe('of Redis nothing is younger than 7.2', () => {
  test('in scripts and in what is sent besides, commands and their options', async () => {
    const sent = sentCommands();
    const all = new Set(sent.flatMap(({ commands }) => [...commands]));
    // Of scripts, of the stores, of the connection: none of them is overlooked.
    for (const known of [
      'PEXPIRETIME',
      'ZADD',
      'EVALSHA',
      'ZRANGE',
      'HSCAN',
      'SCAN',
      'CLUSTER|SLOTS',
      'INFO',
      'EXISTS',
    ])
      assert.ok(all.has(known), known);
    for (const { file, commands, words } of sent)
      assert.deepEqual(await youngerThan72(store.redis, commands, words), [], file);
  });

  test('in what the client sends by itself, when it connects', async () => {
    const told = String(await store.redis.command('INFO', 'commandstats'));
    const names = [...told.matchAll(/^cmdstat_([^:]+):/gm)].map(([, name = '']) => name.toUpperCase());
    assert.ok(
      names.some((name) => name.startsWith('CLIENT|')),
      told,
    );
    assert.deepEqual(await youngerThan72(store.redis, names, new Set()), []);
  });

  test('younger ones are found', async () => {
    const found = async (file: string, text: string) => {
      const { commands, words } = sentBy(file, text);
      return youngerThan72(store.redis, commands, words);
    };
    assert.deepEqual(await found('x.ts', "redis.command('HGETDEL', key)"), ['HGETDEL since 8.0.0']);
    const kill = "redis.command('CLIENT', 'KILL'";
    assert.deepEqual(await found('x.ts', `${kill}, 'SKIPME', 'YES')`), []);
    assert.deepEqual(await found('x.ts', `${kill}, 'MAXAGE', 5)`), ['CLIENT|KILL MAXAGE since 7.4.0']);
    assert.deepEqual(await found('x.lua', "redis.call('HPEXPIRE', KEYS[1])"), ['HPEXPIRE since 7.4.0']);
    for (const [file, text] of [
      ['x.lua', 'redis.call(name)'],
      ['x.ts', 'redis.command(`GET`)'],
      ['x.ts', 'redis.command(name)'],
    ] as const)
      assert.throws(() => sentBy(file, text), /without a literal name/);
  });
});
