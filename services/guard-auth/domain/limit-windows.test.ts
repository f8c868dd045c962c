import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as given from '../testing/harness.ts';
import { boundsAt, leavesAt, partAt, runningWindows } from './limit-windows.ts';

const atMs = Date.UTC(2026, 6, 15, 12, 34, 56, 789);
const HOUR_MS = 3_600_000;

test('the parts of an admission reach back over one whole window, and one part ahead', () => {
  for (const [window, lengthMs] of [
    ['1m', 60_000],
    ['7m', 420_000],
    ['1001s', 1_001_000],
    ['24h', 24 * HOUR_MS],
    ['30d', 720 * HOUR_MS],
  ] as const) {
    const { startMs, endMs, others } = partAt(window, atMs);
    assert.ok(startMs <= atMs && atMs < endMs, window);
    const all = [...others.slice(0, -1), startMs, ...others.slice(-1)];
    for (const [at, start] of all.entries()) {
      if (at > 0) assert.equal(start, (all[at - 1] ?? 0) + (endMs - startMs), window);
    }
    assert.ok((all[0] ?? 0) <= startMs - lengthMs, 'what was used one window before is read');
    assert.equal(all.at(-1), endMs);
    assert.ok(endMs - startMs < lengthMs / 11.9, 'a part is a twelfth');
  }
});

test('a part leaves when no admission reads it any more, and not sooner', () => {
  const { startMs, others } = partAt('24h', atMs);
  const all = [...others.slice(0, -1), startMs, ...others.slice(-1)];
  for (const [place, start] of all.entries()) {
    const leavesMs = leavesAt('24h', place, startMs);
    assert.ok(!partAt('24h', leavesMs).others.includes(start));
    assert.ok(partAt('24h', leavesMs - 1).others.includes(start));
  }
});

test('a rebuild makes all parts anew that admissions read, and they count as long as they are read', () => {
  const limit = given.limit({ window: '24h', rolling: true });
  const windows = runningWindows(limit, atMs);
  const { startMs, others, countsUntilMs } = partAt('24h', atMs);
  assert.deepEqual(windows.map((window) => window.startMs).sort(), [...others, startMs].sort());
  assert.equal(windows.find((window) => window.startMs === startMs)?.countsUntilMs, countsUntilMs);
  for (const window of windows) {
    assert.deepEqual(boundsAt(limit, window.startMs), partAt('24h', window.startMs));
    assert.equal(window.countsUntilMs, partAt('24h', window.startMs).countsUntilMs);
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
