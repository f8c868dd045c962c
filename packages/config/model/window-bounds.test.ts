import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isTimeZone, momentOf } from './time-zone.ts';
import { parseWindow } from './window.ts';
import { windowBounds } from './window-bounds.ts';

const BERLIN = 'Europe/Berlin';

function assertBounds(window: string, timeZone: string, at: string, start: string, end: string) {
  const { startMs, endMs } = windowBounds(window, timeZone, Date.parse(at));
  assert.deepEqual(
    [new Date(startMs), new Date(endMs)],
    [new Date(start), new Date(end)],
    `${window} ${timeZone} ${at}`,
  );
}

test('UTC windows start with the calendar', () => {
  const at = '2025-02-28T13:47:31.123Z';
  assertBounds('1m', 'UTC', at, '2025-02-28T13:47Z', '2025-02-28T13:48Z');
  assertBounds('15m', 'UTC', at, '2025-02-28T13:45Z', '2025-02-28T14:00Z');
  assertBounds('1h', 'UTC', at, '2025-02-28T13:00Z', '2025-02-28T14:00Z');
  assertBounds('6h', 'UTC', at, '2025-02-28T12:00Z', '2025-02-28T18:00Z');
  assertBounds('1d', 'UTC', at, '2025-02-28T00:00Z', '2025-03-01T00:00Z');
  assertBounds('1mo', 'UTC', at, '2025-02-01T00:00Z', '2025-03-01T00:00Z');
  assertBounds('3mo', 'UTC', at, '2025-01-01T00:00Z', '2025-04-01T00:00Z');
  assertBounds('12mo', 'UTC', at, '2025-01-01T00:00Z', '2026-01-01T00:00Z');
});

test('the first moment of a window belongs to it, the last to the one before the next', () => {
  assertBounds('1d', 'UTC', '2025-03-01T00:00:00.000Z', '2025-03-01T00:00Z', '2025-03-02T00:00Z');
  assertBounds('1d', 'UTC', '2025-02-28T23:59:59.999Z', '2025-02-28T00:00Z', '2025-03-01T00:00Z');
  assertBounds('1mo', BERLIN, '2025-06-30T22:00:00.000Z', '2025-06-30T22:00Z', '2025-07-31T22:00Z');
  assertBounds('1mo', BERLIN, '2025-06-30T21:59:59.999Z', '2025-05-31T22:00Z', '2025-06-30T22:00Z');
});

test('a leap day is a day', () => {
  assertBounds('1d', 'UTC', '2024-02-29T12:00Z', '2024-02-29T00:00Z', '2024-03-01T00:00Z');
});

test('in Berlin the day of the spring change has 23 hours', () => {
  assertBounds('1d', BERLIN, '2025-03-30T10:00Z', '2025-03-29T23:00Z', '2025-03-30T22:00Z');
  assertBounds('1d', BERLIN, '2025-03-29T23:30Z', '2025-03-29T23:00Z', '2025-03-30T22:00Z');
  assertBounds('1d', BERLIN, '2025-03-29T22:30Z', '2025-03-28T23:00Z', '2025-03-29T23:00Z');
});

test('in Berlin the hour from 2 to 3 does not exist in spring', () => {
  assertBounds('1h', BERLIN, '2025-03-30T00:30Z', '2025-03-30T00:00Z', '2025-03-30T01:00Z');
  assertBounds('1h', BERLIN, '2025-03-30T01:00Z', '2025-03-30T01:00Z', '2025-03-30T02:00Z');
  // 00:00 to 06:00 on the wall, five hours.
  assertBounds('6h', BERLIN, '2025-03-30T01:30Z', '2025-03-29T23:00Z', '2025-03-30T04:00Z');
  // 02:00 to 04:00 on the wall begins with the change.
  assertBounds('2h', BERLIN, '2025-03-30T01:30Z', '2025-03-30T01:00Z', '2025-03-30T02:00Z');
});

test('in Berlin the day of the autumn change has 25 hours', () => {
  assertBounds('1d', BERLIN, '2025-10-26T12:00Z', '2025-10-25T22:00Z', '2025-10-26T23:00Z');
  assertBounds('1d', BERLIN, '2025-10-26T22:59Z', '2025-10-25T22:00Z', '2025-10-26T23:00Z');
  assertBounds('1mo', BERLIN, '2025-10-26T12:00Z', '2025-09-30T22:00Z', '2025-10-31T23:00Z');
});

test('in Berlin the hour from 2 to 3 comes twice in autumn, as two windows of an hour', () => {
  assertBounds('1h', BERLIN, '2025-10-26T00:30Z', '2025-10-26T00:00Z', '2025-10-26T01:00Z');
  assertBounds('1h', BERLIN, '2025-10-26T01:30Z', '2025-10-26T01:00Z', '2025-10-26T02:00Z');
  // 00:00 to 06:00 on the wall, seven hours: a window of several hours is not cut by the change.
  assertBounds('6h', BERLIN, '2025-10-26T00:30Z', '2025-10-25T22:00Z', '2025-10-26T05:00Z');
  assertBounds('6h', BERLIN, '2025-10-26T01:30Z', '2025-10-25T22:00Z', '2025-10-26T05:00Z');
});

test('a zone with a half hour, and one that changes by half an hour', () => {
  assertBounds('1h', 'Asia/Kolkata', '2025-05-05T10:00Z', '2025-05-05T09:30Z', '2025-05-05T10:30Z');
  assertBounds('1d', 'Asia/Kolkata', '2025-05-05T10:00Z', '2025-05-04T18:30Z', '2025-05-05T18:30Z');
  // Lord Howe turns its clock from 02:00 to 01:30: the change ends one window and starts another.
  assertBounds('1h', 'Australia/Lord_Howe', '2025-04-05T14:30Z', '2025-04-05T14:00Z', '2025-04-05T15:00Z');
  assertBounds('1h', 'Australia/Lord_Howe', '2025-04-05T15:10Z', '2025-04-05T15:00Z', '2025-04-05T15:30Z');
});

test('a day without a midnight starts with the change', () => {
  // Cairo 2025-04-25: 00:00 → 01:00.
  assertBounds('1d', 'Africa/Cairo', '2025-04-25T12:00Z', '2025-04-24T22:00Z', '2025-04-25T21:00Z');
});

test('a day that a zone left out is no window', () => {
  // Apia had no 2011-12-30.
  assertBounds('1d', 'Pacific/Apia', '2011-12-30T09:00Z', '2011-12-29T10:00Z', '2011-12-30T10:00Z');
  assertBounds('1d', 'Pacific/Apia', '2011-12-30T11:00Z', '2011-12-30T10:00Z', '2011-12-31T10:00Z');
});

const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;

for (const timeZone of [BERLIN, 'America/New_York', 'Australia/Lord_Howe', 'Africa/Cairo', 'Atlantic/Azores']) {
  test(`windows follow each other without gap or overlap in ${timeZone}`, () => {
    const changes = assertSeamless('1d', timeZone, Date.parse('2025-01-02T00:00Z'), Date.parse('2026-01-03T00:00Z'));
    assert.equal(changes.length, 2);
    assertSeamless('1mo', timeZone, Date.parse('2024-01-01T00:00Z'), Date.parse('2026-01-03T00:00Z'));
    for (const dayMs of changes) {
      for (const window of ['10m', '30m', '1h', '2h', '3h', '12h']) {
        assertSeamless(window, timeZone, dayMs - DAY_MS, dayMs + 2 * DAY_MS);
      }
    }
  });
}

/** @returns where windows start that are not 24 hours long */
function assertSeamless(window: string, timeZone: string, fromMs: number, toMs: number): number[] {
  const unusual: number[] = [];
  for (let atMs = fromMs; atMs < toMs; ) {
    const bounds = windowBounds(window, timeZone, atMs);
    const name = `${window} at ${new Date(atMs).toISOString()}`;
    assert.ok(bounds.startMs <= atMs && atMs < bounds.endMs, name);
    assert.ok(atMs === fromMs || bounds.startMs === atMs, `gap before ${name}`);
    assert.deepEqual(windowBounds(window, timeZone, bounds.endMs - 1), bounds, name);
    if (bounds.endMs - bounds.startMs !== DAY_MS) unusual.push(bounds.startMs);
    atMs = bounds.endMs;
  }
  return unusual;
}

test('a moment that comes twice is the first, one that is skipped is the change', () => {
  const wall = (text: string) => Date.parse(`${text}Z`);
  assert.equal(momentOf(BERLIN, wall('2025-10-26T02:30')), Date.parse('2025-10-26T00:30Z'));
  assert.equal(momentOf(BERLIN, wall('2025-03-30T02:30')), Date.parse('2025-03-30T01:00Z'));
  assert.equal(momentOf(BERLIN, wall('2025-07-01T12:00')), Date.parse('2025-07-01T10:00Z'));
});

test('windows of any length follow each other without gap', () => {
  const at = '2025-03-27T13:47:12Z';
  assertBounds('10s', 'UTC', at, '2025-03-27T13:47:10Z', '2025-03-27T13:47:20Z');
  assertBounds('24h', 'UTC', at, '2025-03-27T00:00Z', '2025-03-28T00:00Z');
  // Weeks start on Mondays of the place; this one has the change to summer time in it.
  assertBounds('7d', BERLIN, at, '2025-03-23T23:00Z', '2025-03-30T22:00Z');
  assertBounds('1w', BERLIN, at, '2025-03-23T23:00Z', '2025-03-30T22:00Z');
  assertBounds('1y', BERLIN, at, '2024-12-31T23:00Z', '2025-12-31T23:00Z');
  const spansMs: [window: string, spanMs: number][] = [
    ['7s', HOUR_MS],
    ['7m', 20 * DAY_MS],
    ['90m', 20 * DAY_MS],
    ['5h', 100 * DAY_MS],
    ['36h', 400 * DAY_MS],
    ['2d', 400 * DAY_MS],
    ['10d', 800 * DAY_MS],
    ['3w', 2000 * DAY_MS],
    ['5mo', 4000 * DAY_MS],
  ];
  for (const [window, spanMs] of spansMs) assertSeamless(window, BERLIN, Date.parse(at), Date.parse(at) + spanMs);
});

test('windows are whole numbers of known units, no longer than the ledger keeps rows', () => {
  for (const good of ['1s', '1m', '7m', '90m', '5h', '24h', '1d', '7d', '366d', '52w', '1mo', '5mo', '12mo', '1y']) {
    assert.ok(parseWindow(good), good);
  }
  for (const bad of [
    '',
    '1',
    'd',
    '0d',
    '01d',
    '367d',
    '53w',
    '13mo',
    '2y',
    '99999999h',
    '1d ',
    '-1d',
    '1.5h',
    '1D',
    'rolling 1d',
  ]) {
    assert.equal(parseWindow(bad), undefined, bad);
  }
  assert.throws(() => windowBounds('1x', 'UTC', 0), RangeError);
  assert.throws(() => windowBounds('1d', 'Mars/Olympus', 0), RangeError);
});

test('time zones are those of places', () => {
  for (const good of ['UTC', BERLIN, 'America/Argentina/Buenos_Aires']) assert.ok(isTimeZone(good), good);
  for (const bad of ['', 'Mars/Olympus', '+02:00', 'Berlin/Europe']) assert.ok(!isTimeZone(bad), bad);
});
