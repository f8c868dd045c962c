import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as given from '../testing/harness.ts';
import { boundsAt, leavesAt, partAt, runningWindows } from './limit-windows.ts';

const atMs = Date.UTC(2026, 6, 15, 12, 34, 56, 789);
const HOUR_MS = 3_600_000;

test('the part of a request and the twelve before it reach back over one whole window', () => {
  for (const [window, lengthMs] of [
    ['1m', 60_000],
    ['7m', 420_000],
    ['1001s', 1_001_000],
    ['24h', 24 * HOUR_MS],
    ['30d', 720 * HOUR_MS],
  ] as const) {
    const { startMs, endMs } = partAt(window, atMs);
    assert.ok(startMs <= atMs && atMs < endMs, window);
    assert.ok(startMs - 12 * (endMs - startMs) <= startMs - lengthMs, 'what was used one window before counts');
    assert.ok(endMs - startMs < lengthMs / 11.9, 'a part is a twelfth');
    assert.deepEqual(partAt(window, endMs - 1), partAt(window, startMs));
    assert.equal(partAt(window, endMs).startMs, endMs);
  }
});

test('a part leaves when the oldest that counts begins behind it, and not sooner', () => {
  const oldestAt = (momentMs: number) => partAt('24h', momentMs).startMs - 12 * 2 * HOUR_MS;
  const { startMs, countsUntilMs } = partAt('24h', atMs);
  for (const place of [0, 1, 7, 12, 13]) {
    const start = oldestAt(atMs) + place * 2 * HOUR_MS;
    const leavesMs = leavesAt('24h', place, startMs);
    assert.ok(oldestAt(leavesMs) > start);
    assert.ok(oldestAt(leavesMs - 1) <= start);
  }
  assert.equal(countsUntilMs, leavesAt('24h', 12, startMs));
});

test('a rebuild makes all parts anew that count, and they count as long', () => {
  const limit = given.limit({ window: '24h', rolling: true });
  const windows = runningWindows(limit, atMs);
  const { startMs } = partAt('24h', atMs);
  assert.deepEqual(
    windows.map((window) => window.startMs),
    Array.from({ length: 13 }, (_, at) => startMs - (12 - at) * 2 * HOUR_MS),
  );
  for (const window of windows) {
    assert.deepEqual(boundsAt(limit, window.startMs), window);
    assert.equal(window.endMs - window.startMs, 2 * HOUR_MS);
  }
});

test('a calendar window is one window, and ends when it ends', () => {
  const startMs = Date.UTC(2026, 6, 15, 12);
  const bounds = { startMs, endMs: startMs + HOUR_MS };
  assert.deepEqual(boundsAt(given.limit({}), atMs), bounds);
  assert.deepEqual(runningWindows(given.limit({}), atMs), [{ ...bounds, countsUntilMs: bounds.endMs }]);
});

test('a month does not roll', () => {
  assert.throws(() => partAt('1mo', atMs), RangeError);
});
