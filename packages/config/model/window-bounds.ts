import { changeBetween, momentOf, offsetMs } from './time-zone.ts';
import { lengthOf, parseWindow, type Window } from './window.ts';

export interface WindowBounds {
  /** Inclusive. */
  startMs: number;
  /** Exclusive. */
  endMs: number;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
/** Monday, 1970-01-05. */
const MONDAY_MS = 4 * DAY_MS;

/** Windows change seldom and are asked for at each request. */
const latest = new Map<string, WindowBounds>();
const LATEST_MAX = 1000;

/**
 * The calendar window that holds this moment, by the wall clock of the time zone; windows follow each other without gap
 * or overlap. Where the clock changes, a day has 23 or 25 hours, and so has the window of several hours around the
 * change one less or more; an hour that comes twice is two windows of `1h`. Several days are counted from a Monday, so
 * that a week starts with one; several months from January 1970; what cuts neither an hour nor a day evenly from Monday,
 * 1970-01-05 in UTC.
 * @throws RangeError for a window or time zone that `apply` refuses
 */
export function windowBounds(window: string, timeZone: string, atMs: number): WindowBounds {
  const key = `${window} ${timeZone}`;
  const known = latest.get(key);
  if (known !== undefined && known.startMs <= atMs && atMs < known.endMs) return known;
  const parsed = parseWindow(window);
  if (parsed === undefined) throw new RangeError(`'${window}' is not a window`);
  const bounds = Object.freeze(compute(parsed, timeZone, atMs));
  if (latest.size >= LATEST_MAX) latest.clear();
  latest.set(key, bounds);
  return bounds;
}

function compute(window: Window, timeZone: string, atMs: number): WindowBounds {
  const sizeMs = lengthOf(window);
  if (sizeMs !== undefined && HOUR_MS % sizeMs === 0) return shortWindow(sizeMs, timeZone, atMs);
  const wholeDays =
    sizeMs !== undefined && (sizeMs % DAY_MS === 0 || (DAY_MS % sizeMs === 0 && sizeMs % HOUR_MS === 0));
  if (sizeMs !== undefined && !wholeDays) return fromMonday(sizeMs, atMs);
  const wallMs = atMs + offsetMs(timeZone, atMs);
  const starts = sizeMs === undefined ? monthStarts(window.count, wallMs) : dayStarts(sizeMs, wallMs);
  return around(
    starts.map((start) => momentOf(timeZone, start)),
    atMs,
  );
}

/** What no calendar has, such as seven minutes: one after the other, the same in all time zones. */
function fromMonday(sizeMs: number, atMs: number): WindowBounds {
  const startMs = MONDAY_MS + Math.floor((atMs - MONDAY_MS) / sizeMs) * sizeMs;
  return { startMs, endMs: startMs + sizeMs };
}

/** Up to an hour: cut by the offset, so that nothing is as long as two of them where the clock is turned back. */
function shortWindow(sizeMs: number, timeZone: string, atMs: number): WindowBounds {
  const offset = offsetMs(timeZone, atMs);
  let startMs = Math.floor((atMs + offset) / sizeMs) * sizeMs - offset;
  let endMs = startMs + sizeMs;
  // Only where the clock changes by a part of the window (Lord Howe: half an hour): the change itself is a bound.
  if (offsetMs(timeZone, startMs) !== offset) startMs = changeBetween(timeZone, startMs, atMs);
  if (offsetMs(timeZone, endMs - 1) !== offset) endMs = changeBetween(timeZone, atMs, endMs - 1);
  return { startMs, endMs };
}

/**
 * Readings of the wall clock at which windows around this one start: enough of them that some are left where a change
 * of the clock, up to a whole day, skips or repeats others.
 */
function dayStarts(sizeMs: number, wallMs: number): number[] {
  const current = MONDAY_MS + Math.floor((wallMs - MONDAY_MS) / sizeMs) * sizeMs;
  return [-2, -1, 0, 1, 2, 3, 4].map((shift) => current + shift * sizeMs);
}

/** Counted from January 1970, so that what divides a year begins with it. */
function monthStarts(count: number, wallMs: number): number[] {
  const wall = new Date(wallMs);
  const month = Math.floor(((wall.getUTCFullYear() - 1970) * 12 + wall.getUTCMonth()) / count) * count;
  return [-count, 0, count, 2 * count].map((shift) => Date.UTC(1970, month + shift, 1));
}

/** Starts are in order; those inside of a skipped hour fall on the same moment and count once. */
function around(starts: number[], atMs: number): WindowBounds {
  const after = starts.findIndex((start) => start > atMs);
  const startMs = starts[after - 1];
  const endMs = starts[after];
  if (startMs === undefined || endMs === undefined) throw new RangeError(`no window around ${atMs}`);
  return { startMs, endMs };
}
