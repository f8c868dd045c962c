import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Limit } from '@tollgate/config';
import type { Reservation } from '@tollgate/contracts';
import * as given from '../testing/harness.ts';
import { boundsAt } from './limit-windows.ts';
import { limitsOf } from './limits.ts';
import { planCharges } from './plan.ts';
import { refusingLimits } from './refusing-limits.ts';

const { startedAtMs } = given;

/** What an admission reserves under these limits, with the most that each counter may hold. */
function limitsOfAdmission(snapshot: ReturnType<typeof given.snapshot>): [Reservation, number | undefined][] {
  const need = { promptTokens: 60, completionTokens: 40, guessed: true, costNanoUsd: 500, promptCostNanoUsd: 300 };
  const caller = { keyId: 'key-1', user: 'ann', metadata: {} };
  const { charges } = planCharges(limitsOf(snapshot, 'sample.engineering'), need, caller, (limit) =>
    boundsAt(limit, startedAtMs),
  );
  const reservations = charges.map(({ reservation }) => reservation);
  const limitOf = refusingLimits(snapshot, given.receipt('r1', reservations));
  return reservations.map((reservation) => [reservation, limitOf(reservation)]);
}

test('each counter of an admission has the limit that it was held against', () => {
  const limit = (change: Partial<Limit>) => given.limit(change);
  const found = limitsOfAdmission(
    given.snapshot({
      team: [
        limit({ amount: 1000 }),
        limit({ amount: 900, mode: 'soft' }),
        limit({ amount: 800, timeZone: 'Asia/Tokyo' }),
        limit({ amount: 700, quantity: 'cost_nano_usd', window: '1mo', timeZone: 'Europe/Berlin' }),
        limit({ amount: 600, rolling: true }),
        limit({ amount: 500, window: '1d', mode: 'shadow' }),
        limit({ amount: 400, models: ['gpt-4o'] }),
        limit({ amount: 300, per: 'user', valuesMax: 9 }),
        limit({ amount: 200, burst: 250, window: '1m' }),
        limit({ amount: 200, burst: 240, window: '1m', mode: 'shadow' }),
        limit({ amount: 90, window: '1d', mode: 'strict', quantity: 'prompt_tokens' }),
      ],
      project: [limit({ amount: 2000 })],
      organization: [limit({ amount: 3000 })],
    }),
  );
  assert.deepEqual(
    found.map(([, most]) => most),
    // Hours are the same in Tokyo: one counter, with the smaller limit.
    [800, 700, 600, undefined, 400, 300, 250, undefined, 90, 2000, 3000],
  );
});

test('of a counter that no limit is known of nothing may be had', () => {
  const limitOf = refusingLimits(given.snapshot(), given.receipt('r1'));
  assert.equal(limitOf(given.reservation()), 0);
});
