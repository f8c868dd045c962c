import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Limit } from '@tollgate/config';
import * as given from '../testing/harness.ts';
import type { CounterState } from './charge.ts';
import { boundsAt } from './limit-windows.ts';
import { limitsOf } from './limits.ts';
import { passedLimits } from './passed-limits.ts';
import { neverFits, type Plan, planCharges, refusalOf } from './plan.ts';
import { rateLimitHeaders } from './rate-limit-headers.ts';
import { limitRefusal, neverFitsRefusal } from './refusal.ts';

const atMs = Date.UTC(2026, 6, 15, 12, 34, 56, 400);
const rate = (change: Partial<Limit> = {}) =>
  given.limit({ quantity: 'requests', amount: 600, burst: 600, window: '1m', ...change });
const rolling = (change: Partial<Limit> = {}) => given.limit({ window: '24h', rolling: true, ...change });

function plan(limits: Limit[], completionTokens = 0, guessed = false): Plan {
  const need = { promptTokens: 100, completionTokens, guessed, costNanoUsd: 0, promptCostNanoUsd: 0 };
  const binding = limitsOf(given.snapshot({ team: limits }), 'sample.engineering');
  return planCharges(binding, need, { keyId: 'k', user: '', metadata: {} }, (limit) => boundsAt(limit, atMs));
}

/** How a rate stands that holds so many units. */
const holds = (units: number, passed = false): CounterState => ({
  spent: 0,
  reserved: 0,
  rate: { level: units * 60_000, atMs, passed },
});

describe('headers', () => {
  test('of a rate: the burst, what is left of it, and when all is there again', () => {
    assert.deepEqual(rateLimitHeaders(plan([rate({ burst: 10 })]), [holds(2.5)], atMs), {
      'x-ratelimit-limit-requests': '10',
      'x-ratelimit-remaining-requests': '7',
      'x-ratelimit-reset-requests': '250ms',
      'ratelimit-policy': '"team-requests-1m";q=10;qu="requests";w=1',
      ratelimit: '"team-requests-1m";r=7;t=1',
    });
    const whole = rateLimitHeaders(plan([rate()]), [holds(450)], atMs);
    assert.equal(whole['x-ratelimit-reset-requests'], '45s');
    assert.equal(whole['ratelimit-policy'], '"team-requests-1m";q=600;qu="requests";w=60');
    const fast = rateLimitHeaders(plan([rate({ amount: 6000, burst: 10 })]), [holds(2.5)], atMs);
    assert.equal(fast['ratelimit-policy'], '"team-requests-1m";q=6000;qu="requests";w=60');
    assert.equal(fast.ratelimit, '"team-requests-1m";r=7;t=1');
  });

  test('of a rate that is used up or in debt: nothing is left', () => {
    const told = rateLimitHeaders(plan([rate({ quantity: 'tokens' })]), [holds(900)], atMs);
    assert.equal(told['x-ratelimit-remaining-tokens'], '0');
    assert.equal(told['x-ratelimit-reset-tokens'], '1m30s');
  });

  test('of a rolling window: what all of its parts leave, and when the newest has left', () => {
    const counters = [{ spent: 700, reserved: 100, parts: { newest: 12, needed: 0 } }];
    assert.deepEqual(rateLimitHeaders(plan([rolling()]), counters, atMs), {
      'x-ratelimit-limit-tokens': '1000',
      'x-ratelimit-remaining-tokens': '200',
      // The part of 12:00 to 14:00 counts for 24 hours more.
      'x-ratelimit-reset-tokens': '25h25m4s',
      'ratelimit-policy': '"team-tokens-rolling-24h";q=1000;qu="tokens";w=86400',
      ratelimit: '"team-tokens-rolling-24h";r=200;t=91504',
    });
    const unused = [{ spent: 0, reserved: 0, parts: { newest: 0, needed: 0 } }];
    assert.equal(rateLimitHeaders(plan([rolling()]), unused, atMs)['x-ratelimit-reset-tokens'], '0ms');
  });
});

describe('refusals', () => {
  const told = (of: Plan, counters: CounterState[]) => {
    const refusal = refusalOf(of, counters) ?? assert.fail('not refused');
    const { code, retryAfterMs, message } = limitRefusal(refusal, atMs);
    return [code, retryAfterMs, message];
  };

  test('a rate tells the exact wait, and that waiting helps', () => {
    assert.deepEqual(told(plan([rate({ burst: 10 })]), [holds(9.25)]), [
      'rate_limit_exceeded',
      25,
      'The requests limit of team engineering for 1m is reached. Try again in 1 s.',
    ]);
    assert.equal(refusalOf(plan([rate({ burst: 10 })]), [holds(9)]), undefined);
  });

  test('a rolling window is a budget, free when enough parts have left', () => {
    const counters = [{ spent: 950, reserved: 0, parts: { newest: 12, needed: 3 } }];
    const freeAtMs = Date.UTC(2026, 6, 15, 12) + (3 - 12 + 13) * 2 * 3_600_000;
    const [code, retryAfterMs, message] = told(plan([rolling()]), counters);
    assert.deepEqual([code, retryAfterMs], ['budget_exceeded', freeAtMs - atMs]);
    assert.match(String(message), /budget of team engineering for 24h .* will reset at 2026-07-15T20:00:00\.000Z$/);
  });

  test('a rolling window of a minute is one to wait for, as any of a minute', () => {
    const counters = [{ spent: 950, reserved: 0, parts: { newest: 12, needed: 12 } }];
    const [code, retryAfterMs] = told(plan([rolling({ window: '1m' })]), counters);
    assert.deepEqual([code, retryAfterMs], ['rate_limit_exceeded', 55_000 + 13 * 5000 - 56_400]);
  });

  test('of a rate and a budget that both refuse, the one that takes longer is told', () => {
    const both = plan([rate({ burst: 10 }), rolling(), given.limit({ window: '1h' })]);
    const free = { spent: 0, reserved: 0 };
    const spent = { spent: 1000, reserved: 0 };
    const left = { ...free, parts: { newest: 0, needed: 0 } };
    assert.equal(told(both, [holds(10), left, spent])[0], 'budget_exceeded');
    assert.equal(told(both, [holds(10), left, free])[0], 'rate_limit_exceeded');
    assert.equal(told(both, [holds(600 * 60), left, spent])[0], 'rate_limit_exceeded');
  });

  test('a request that needs more than the burst never fits, and a guess takes a twentieth of it', () => {
    const limits = [rate({ quantity: 'tokens', amount: 1000, burst: 99 })];
    const tooLarge = neverFits(plan(limits)) ?? assert.fail('it fits');
    assert.match(neverFitsRefusal(tooLarge).message, /up to 100 tokens; the whole budget .* is 99 tokens at once\./);
    assert.equal(neverFits(plan([rate({ quantity: 'tokens', amount: 10, burst: 100 })])), undefined);
    const guessed = plan([rate({ quantity: 'tokens', amount: 1000, burst: 200 })], 1024, true);
    assert.equal(guessed.charges[0]?.reservation.amount, 110);
  });
});

test('a soft rate that a request passed is told, one that had room is not', () => {
  const soft = plan([rate({ mode: 'soft', burst: 10 })]);
  assert.deepEqual(passedLimits(soft, [holds(10, true)]), {
    hits: { 'soft.team-requests-1m': 1 },
    headers: { 'x-tollgate-limit-exceeded': 'team-requests-1m' },
  });
  assert.deepEqual(passedLimits(soft, [holds(10)]).hits, {});
  assert.equal(refusalOf(soft, [holds(10, true)]), undefined);
});
