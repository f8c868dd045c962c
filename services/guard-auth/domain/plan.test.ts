import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Limit, windowBounds } from '@tollgate/config';
import { snapshot, tokenLimit } from '../testing/harness.ts';
import type { Estimate } from './estimate.ts';
import { limitsOf } from './limits.ts';
import { neverFits, type Plan, planCharges, refusalOf } from './plan.ts';
import { budgetRefusal, neverFitsRefusal } from './refusal.ts';

const atMs = Date.UTC(2026, 6, 15, 12, 34, 56);
const asked: Estimate = { promptTokens: 60, completionTokens: 40, guessed: false };

function plan(limits: Parameters<typeof snapshot>[0], estimate = asked): Plan {
  const boundsOf = ({ window, timeZone }: Limit) => windowBounds(window, timeZone, atMs);
  return planCharges(limitsOf(snapshot(limits), 'sample.engineering'), estimate, boundsOf);
}

describe('charges', () => {
  test('one for each scope and window, in the window of that moment', () => {
    const { charges } = plan({
      team: [tokenLimit(1000, '1h')],
      organization: [tokenLimit(9000, '1d', 'Europe/Berlin')],
    });
    assert.deepEqual(
      charges.map(({ reservation, limit }) => ({ ...reservation, limit })),
      [
        {
          scope: 'team',
          scopeId: 'sample.engineering',
          quantity: 'tokens',
          window: '1h',
          windowStartMs: Date.UTC(2026, 6, 15, 12),
          windowEndMs: Date.UTC(2026, 6, 15, 13),
          amount: 100,
          limit: 1000,
        },
        {
          scope: 'organization',
          scopeId: 'acme',
          quantity: 'tokens',
          window: '1d',
          windowStartMs: Date.UTC(2026, 6, 14, 22),
          windowEndMs: Date.UTC(2026, 6, 15, 22),
          amount: 100,
          limit: 9000,
        },
      ],
    );
  });

  test('two limits on one counter are charged once, the smaller binds', () => {
    const { charges, checks } = plan({ team: [tokenLimit(1000, '1h'), tokenLimit(500, '1h', 'Europe/Berlin')] });
    assert.equal(charges.length, 1);
    assert.equal(charges[0]?.limit, 500);
    assert.equal(checks.length, 2);
  });

  test('a guess takes at most a twentieth of a limit, what the caller asked for all of it', () => {
    const guess: Estimate = { promptTokens: 60, completionTokens: 1024, guessed: true };
    assert.equal(plan({ team: [tokenLimit(2000)] }, guess).charges[0]?.reservation.amount, 160);
    assert.equal(plan({ team: [tokenLimit(1e6)] }, guess).charges[0]?.reservation.amount, 1084);
    assert.equal(plan({ team: [tokenLimit(2000)] }, { ...guess, guessed: false }).charges[0]?.reservation.amount, 1084);
  });

  test('no limits, no charges', () => {
    assert.deepEqual(plan({}), { checks: [], charges: [] });
  });
});

describe('refusals', () => {
  test('a request larger than a whole limit never fits', () => {
    const tooLarge = neverFits(plan({ team: [tokenLimit(1000)], project: [tokenLimit(99)] }));
    assert.equal(tooLarge?.limit.scope, 'project');
    assert.equal(neverFits(plan({ team: [tokenLimit(100)] })), undefined);
    const error = tooLarge && neverFitsRefusal(tooLarge);
    assert.equal(error?.code, 'request_exceeds_limit');
    assert.match(error?.message ?? '', /up to 100 tokens; the whole budget of project sample is 99 tokens for 1h/);
  });

  test('of several spent limits the one that resets last is told, with its exact moment', () => {
    const both = plan({ team: [tokenLimit(1000, '1h'), tokenLimit(1000, '1d')] });
    const counters = [
      { spent: 950, reserved: 0 },
      { spent: 950, reserved: 0 },
    ];
    const refusal = refusalOf(both, counters);
    assert.ok(refusal);
    const error = budgetRefusal(refusal, atMs);
    assert.equal(error.code, 'budget_exceeded');
    assert.equal(error.retryAfterMs, Date.UTC(2026, 6, 16) - atMs);
    assert.match(error.message, /team engineering for 1d .* will reset at 2026-07-16T00:00:00\.000Z$/);
  });

  test('a limit that only running requests hold is not called spent', () => {
    const one = plan({ team: [tokenLimit(1000)] });
    const refusal = refusalOf(one, [{ spent: 500, reserved: 450 }]);
    assert.equal(refusal?.spent, false);
    const error = refusal && budgetRefusal(refusal, atMs);
    assert.equal(error?.code, 'rate_limit_exceeded');
    assert.equal(error?.retryAfterMs, 1000);
  });

  test('a spent limit is told before one that is only held', () => {
    const both = plan({ team: [tokenLimit(1000, '1d'), tokenLimit(1000, '1h')] });
    const refusal = refusalOf(both, [
      { spent: 0, reserved: 950 },
      { spent: 950, reserved: 0 },
    ]);
    assert.deepEqual([refusal?.spent, refusal?.check.limit.limit.window], [true, '1h']);
  });

  test('what fits exactly is not refused', () => {
    assert.equal(refusalOf(plan({ team: [tokenLimit(1000)] }), [{ spent: 800, reserved: 100 }]), undefined);
  });
});
