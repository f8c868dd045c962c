import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Reservation } from '@tollgate/contracts';
import * as given from '../testing/harness.ts';
import type { Charge } from './charge.ts';
import { noLimit } from './plan.ts';
import { settlementOf } from './settlement.ts';
import { allAllowWithinShare, allowsWithinShare, Share } from './share.ts';

/** The windows of `reservation()` began before it. */
const sinceMs = given.startedAtMs;
const later = { windowStartMs: sinceMs + 1000 };
const charge = (limit: number, change: Partial<Reservation> = {}, valuesMax?: number): Charge => ({
  reservation: given.reservation(change),
  limit,
  valuesMax,
});
const slot = { quantity: 'concurrency', window: '', windowStartMs: 0, windowEndMs: 0, amount: 1 };

function seen(spent: number, reserved: number, of = given.reservation()): Share {
  const share = new Share();
  share.learn(of, { spent, reserved });
  return share;
}

/** How often it admits one more. */
function taken(share: Share, charges: Charge[], replicas: number): number {
  for (let count = 0; ; count++) if (!share.take(charges, replicas, sinceMs, sinceMs)) return count;
}

function ended(requestId: string, reservations: Reservation[], prompt: number) {
  const settlement = settlementOf(given.measured(given.receipt(requestId, reservations), prompt, 0), 5, sinceMs);
  assert.ok(settlement);
  return settlement;
}

describe('what a replica may admit by itself', () => {
  test('its part of what was left when it last saw the counter', () => {
    assert.equal(taken(seen(300, 100), [charge(1000)], 1), 6);
    assert.equal(taken(seen(300, 100), [charge(1000)], 2), 3);
    assert.equal(taken(seen(950, 0), [charge(1000)], 1), 0);
  });

  test('nothing of a counter that it has not seen, as others may have used it up', () => {
    assert.equal(taken(new Share(), [charge(1000)], 2), 0);
  });

  test('of a window that began when the store was away already, its part of the whole', () => {
    assert.equal(taken(new Share(), [charge(1000, later)], 2), 5);
  });

  test('all limits or none: what one refuses is taken from no other', () => {
    const share = seen(0, 0);
    const other = charge(150, { scope: 'project', ...later });
    assert.equal(taken(share, [charge(1000), other], 1), 1);
    assert.equal(taken(share, [charge(1000)], 1), 9);
  });

  test('of a rate its part of what flows back from then on, and never more than its part of the burst at once', () => {
    const rate = { amount: 60, windowMs: 60_000, burst: 10 };
    const unit = { quantity: 'requests', window: '1m', windowStartMs: 0, windowEndMs: 0, amount: 1, rate: 60 };
    const charges = [{ ...charge(10, unit), rate }];
    const share = new Share();
    share.saw(charges, [{ spent: 0, reserved: 0 }]);
    const at = (seconds: number) => {
      for (let count = 0; ; count++) if (!share.take(charges, 2, sinceMs, sinceMs + seconds * 1000)) return count;
    };
    assert.deepEqual([at(0), at(2), at(3), at(4), at(60)], [0, 1, 0, 1, 5]);
    assert.deepEqual(share.running(0), [], 'the store has no counter of a rate to read');
  });

  test('limits that refuse nobody have no share', () => {
    assert.equal(new Share().take([charge(noLimit)], 2, sinceMs, sinceMs), true);
  });

  test('values that begin meanwhile, its part of how many there may be', () => {
    const share = new Share();
    const of = (value: string) => [charge(1000, { ...later, selector: 'p-user', value }, 4)];
    const admitted = ['a', 'b', 'c', 'a'].filter((value) => share.take(of(value), 2, sinceMs, sinceMs));
    assert.deepEqual(admitted, ['a', 'b', 'a']);
  });
});

describe('what is given back', () => {
  test('when a request that was admitted here ends: what it did not use, and its slots', () => {
    const share = seen(0, 0);
    share.learn(given.reservation(slot), { spent: 0, reserved: 0 });
    const charges = [charge(100), charge(1, slot)];
    assert.equal(taken(share, charges, 1), 1);
    const reservations = charges.map(({ reservation }) => reservation);
    share.settle(reservations, ended('r1', reservations, 0));
    assert.equal(taken(share, charges, 1), 1);
    share.settle(reservations, ended('r2', reservations, 30));
    assert.equal(taken(share, [charge(1, slot)], 1), 1, 'the slot');
    assert.equal(taken(share, [charge(100, { amount: 10 })], 1), 7, 'the tokens');
  });

  test('when one that the store admitted ends: its slot, once; not what it reserved of others', () => {
    const reservations = [given.reservation(slot), given.reservation()];
    const share = seen(0, 2, reservations[0]);
    share.learn(given.reservation(), { spent: 0, reserved: 1000 });
    assert.equal(taken(share, [charge(2, slot)], 1), 0);
    share.free(ended('r1', reservations, 30));
    share.free(ended('r1', reservations, 30));
    assert.equal(taken(share, [charge(2, slot)], 1), 1);
    assert.equal(taken(share, [charge(1000)], 1), 0);
  });

  test('a second event of a request that was admitted here frees nobody else’s slot', () => {
    const reservations = [given.reservation(slot)];
    const share = seen(0, 1, reservations[0]);
    assert.equal(taken(share, [charge(2, slot)], 1), 1);
    share.settle(reservations, ended('r1', reservations, 30));
    share.free(ended('r1', reservations, 30));
    assert.equal(taken(share, [charge(2, slot)], 1), 1);
  });
});

test('after an outage what was admitted counts as spent until the store says better', () => {
  const share = seen(0, 0);
  assert.equal(taken(share, [charge(1000)], 2), 5);
  share.end();
  assert.equal(taken(share, [charge(1000)], 1), 5);
  share.learn(given.reservation(), { spent: 10, reserved: 0 });
  assert.equal(taken(share, [charge(1000)], 1), 9);
});

test('counters of windows that ended are forgotten', () => {
  const share = seen(0, 0);
  share.learn(given.reservation(slot), { spent: 0, reserved: 0 });
  assert.deepEqual(
    share.running(given.reservation().windowEndMs).map(({ quantity }) => quantity),
    ['concurrency'],
  );
  assert.equal(share.size, 1);
});

test('every limit that binds must allow it, and there must be one', () => {
  const allow = given.limit({ onStoreFailure: 'allow-within-share' });
  const scoped = (limit: typeof allow) =>
    ({ scope: 'team', scopeId: 't', scopeName: 't', selector: '', limit }) as const;
  assert.equal(allowsWithinShare([scoped(allow)]), true);
  assert.equal(allowsWithinShare([scoped(allow), scoped(given.limit({ mode: 'soft' }))]), false);
  assert.equal(allowsWithinShare([]), false);
  // The project `other` of the snapshot has no team.
  assert.equal(allAllowWithinShare(given.snapshot({ team: [allow] })), true);
  assert.equal(allAllowWithinShare(given.snapshot({ team: [allow], organization: [given.limit({})] })), false);
});
