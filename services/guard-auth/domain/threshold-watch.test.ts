import assert from 'node:assert/strict';
import { test } from 'node:test';
import { windowBounds } from '@tollgate/config';
import * as given from '../testing/harness.ts';
import { thresholdAmount, watchesOf } from './threshold-watch.ts';

const { startedAtMs } = given;

/** A reservation in the window that a day's limit of this time zone has. */
function reservation(timeZone = 'UTC', change: Parameters<typeof given.reservation>[0] = {}) {
  const { startMs: windowStartMs, endMs: windowEndMs } = windowBounds('1d', timeZone, startedAtMs);
  return given.reservation({ window: '1d', windowStartMs, windowEndMs, ...change });
}

test('a threshold is reached by the smallest whole amount that is so many per cent, exactly', () => {
  for (const [limit, percent, amount] of [
    [100, 50, 50],
    [1000, 80, 800],
    [3, 50, 2],
    [1, 1, 1],
    [199, 99, 198],
    [7, 100, 7],
    [9_007_199_254_740_991, 80, 7_205_759_403_792_793],
    [9_007_199_254_740_991, 100, 9_007_199_254_740_991],
  ] as const) {
    assert.equal(thresholdAmount(limit, percent), amount, `${percent} % of ${limit}`);
  }
});

test('a limit watches its own counter, and that of no other window, scope or models', () => {
  const snapshot = given.snapshot({ team: [given.tokenLimit(1000, '1d')] });
  const [watch, ...others] = watchesOf(snapshot, reservation());
  assert.deepEqual(others, []);
  assert.deepEqual(watch?.thresholds, [
    { percent: 50, amount: 500 },
    { percent: 80, amount: 800 },
    { percent: 100, amount: 1000 },
  ]);
  for (const change of [{ window: '1h' }, { scopeId: 'sample.other' }, { selector: 'm-x' }, { quantity: 'requests' }]) {
    assert.deepEqual(watchesOf(snapshot, reservation('UTC', change)), [], JSON.stringify(change));
  }
});

test('of two modes in two time zones each watches its own day', () => {
  const soft = given.limit({ amount: 10, window: '1d', mode: 'soft', timeZone: 'Asia/Tokyo' });
  const snapshot = given.snapshot({ team: [given.tokenLimit(1000, '1d'), soft] });
  const modes = (timeZone: string) => watchesOf(snapshot, reservation(timeZone)).map(({ limit }) => limit.limit.mode);
  assert.deepEqual(modes('UTC'), ['hard']);
  assert.deepEqual(modes('Asia/Tokyo'), ['soft']);
});

test('rates, slots and callers that are counted apart are not watched unless it says so', () => {
  const minute = given.tokenLimit(1000, '1m');
  const perUser = given.limit({ window: '1d', per: 'user', valuesMax: 5 });
  const snapshot = given.snapshot({ team: [minute, perUser, given.limit({ window: '1d', thresholds: [] })] });
  const of = (window: string, selector = '') => {
    const { startMs: windowStartMs, endMs: windowEndMs } = windowBounds(window, 'UTC', startedAtMs);
    return watchesOf(snapshot, given.reservation({ window, windowStartMs, windowEndMs, selector }));
  };
  assert.deepEqual([of('1m'), of('1d'), of('1d', 'p-user')], [[], [], []]);
  const asked = given.snapshot({ team: [{ ...perUser, thresholds: [90] }] });
  const { startMs: windowStartMs } = windowBounds('1d', 'UTC', startedAtMs);
  const own = given.reservation({ window: '1d', windowStartMs, selector: 'p-user', value: 'abc' });
  assert.deepEqual(watchesOf(asked, own)[0]?.thresholds, [{ percent: 90, amount: 900 }]);
});
