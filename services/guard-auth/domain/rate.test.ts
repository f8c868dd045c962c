import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as given from '../testing/harness.ts';
import { fullInMs, fullLevel, quotaOf, type Rate, rateOf, remainingOf, waitMsOf } from './rate.ts';

/** Reproducible numbers from 0 up to 1 (mulberry32). */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const state = (level: number) => ({ level, atMs: 0, passed: false });

test('a limit with a burst is a rate, others are not', () => {
  assert.deepEqual(rateOf(given.limit({ window: '10s', amount: 5, burst: 2 })), {
    amount: 5,
    windowMs: 10_000,
    burst: 2,
  });
  assert.equal(rateOf(given.limit({ window: '1m' })), undefined);
});

test('what is told is exact to the millisecond and the unit, up to the largest rate', () => {
  const next = random(7);
  const upTo = (max: number) => 1 + Math.floor(next() ** 6 * max);
  for (let turn = 0; turn < 5000; turn++) {
    const rate: Rate = { amount: upTo(5e10), windowMs: 1000 * (1 + Math.floor(next() * 60)), burst: upTo(5e10) };
    const level = Math.floor(next() * fullLevel(rate));
    const units = 1 + Math.floor(next() * (rate.burst - 1));
    const [amount, windowMs, burst] = [rate.amount, rate.windowMs, rate.burst].map(BigInt) as [bigint, bigint, bigint];
    /** By whole numbers without a bound: is there room after so many ms? */
    const fits = (count: number, ms: number) => {
      const left = BigInt(level) - BigInt(ms) * amount;
      return (left > 0n ? left : 0n) + BigInt(count) * windowMs <= burst * windowMs;
    };
    const waitMs = waitMsOf(rate, state(level), units);
    assert.ok(fits(units, waitMs), 'there is room after the wait');
    if (waitMs > 0) assert.ok(!fits(units, waitMs - 1), 'and not a millisecond sooner');
    const remaining = remainingOf(rate, state(level));
    assert.ok(fits(remaining, 0), 'what remains fits');
    assert.ok(!fits(remaining + 1, 0), 'and not one more');
    assert.ok(fits(rate.burst, fullInMs(rate, state(level))), 'all of it is there at the reset');
  }
});

test('a quota is the burst in the time in which it flows back, or the limit in its window, in whole seconds', () => {
  const of = (amount: number, burst: number, windowMs = 60_000) => quotaOf({ amount, windowMs, burst });
  assert.deepEqual(of(600, 10), { quota: 10, windowMs: 1000 });
  assert.deepEqual(of(60, 60), { quota: 60, windowMs: 60_000 });
  assert.deepEqual(of(1, 3), { quota: 3, windowMs: 180_000 });
  assert.deepEqual(of(6000, 10), { quota: 6000, windowMs: 60_000 });
  assert.deepEqual(of(600, 25), { quota: 600, windowMs: 60_000 });
  assert.deepEqual(of(7, 3), { quota: 7, windowMs: 60_000 });
  assert.deepEqual(of(49_999_999_999, 50_000_000_000), { quota: 49_999_999_999, windowMs: 60_000 });
});
