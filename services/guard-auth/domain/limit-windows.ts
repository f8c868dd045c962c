import { type Limit, type WindowBounds, windowBounds, windowLengthMs } from '@tollgate/config';
import type { Reservation } from '@tollgate/contracts';

/**
 * A rolling window is counted in so many parts. More make it closer to the window (it forgets up to one part too late)
 * and each admission dearer: it reads them all.
 */
const partsOfWindow = 12;

/** One part of a rolling window, and the others that an admission in it has to add up. */
export interface WindowPart extends WindowBounds {
  /**
   * Starts of the others, in order: those that may still hold usage of one window before, and the next one, in which
   * requests that came later than this one may have been admitted already.
   */
  others: number[];
  /** What is charged in the part counts until then. */
  countsUntilMs: number;
}

/** What the counters of a limit are called beside its scope and quantity. */
export function windowNameOf({ window, rolling }: Pick<Limit, 'window' | 'rolling'>): string {
  return rolling ? `rolling-${window}` : window;
}

/** Whether a charge is one of a rolling window. */
export function isRolling({ window }: Pick<Reservation, 'window'>): boolean {
  return window.startsWith('rolling-');
}

/**
 * The calendar window of a limit that holds this moment; of a rolling limit the part of its window.
 * @throws RangeError for a window that `apply` refuses
 */
export function boundsAt(limit: Pick<Limit, 'window' | 'timeZone' | 'rolling'>, atMs: number): WindowBounds {
  return limit.rolling ? partAt(limit.window, atMs) : windowBounds(limit.window, limit.timeZone, atMs);
}

/** Milliseconds in which a limit's amount may be used; of a calendar window those of this one. */
export function lengthMsOf(limit: Pick<Limit, 'window' | 'rolling'>, { startMs, endMs }: WindowBounds): number {
  return limit.rolling ? (windowLengthMs(limit.window) ?? 0) : endMs - startMs;
}

/** Milliseconds of one part, rounded up: all parts together are never shorter than the window. */
function partMsOf(window: string): number {
  const lengthMs = windowLengthMs(window);
  if (lengthMs === undefined) throw new RangeError(`'${window}' has no length of its own`);
  return Math.ceil(lengthMs / partsOfWindow);
}

/** @throws RangeError for a window that has no length of its own, such as a month */
export function partAt(window: string, atMs: number): WindowPart {
  const partMs = partMsOf(window);
  const startMs = Math.floor(atMs / partMs) * partMs;
  const others: number[] = [];
  for (let back = partsOfWindow; back > 0; back--) others.push(startMs - back * partMs);
  others.push(startMs + partMs);
  return { startMs, endMs: startMs + partMs, others, countsUntilMs: leavesAt(window, partsOfWindow, startMs) };
}

/** When a part leaves the window: `place` counts the parts of an admission in the part at `startMs`, oldest first, from 0. */
export function leavesAt(window: string, place: number, startMs: number): number {
  const partMs = partMsOf(window);
  return startMs + (place - partsOfWindow) * partMs + (partsOfWindow + 1) * partMs;
}

/** All windows that a limit counts in at this moment: what a rebuild has to make anew. */
export function runningWindows(limit: Limit, nowMs: number): (WindowBounds & { countsUntilMs: number })[] {
  if (!limit.rolling) {
    const bounds = windowBounds(limit.window, limit.timeZone, nowMs);
    return [{ ...bounds, countsUntilMs: bounds.endMs }];
  }
  const current = partAt(limit.window, nowMs);
  const partMs = current.endMs - current.startMs;
  return [...current.others, current.startMs]
    .sort((a, b) => a - b)
    .map((startMs) => ({
      startMs,
      endMs: startMs + partMs,
      countsUntilMs: leavesAt(limit.window, partsOfWindow, startMs),
    }));
}
