import { type Limit, type WindowBounds, windowBounds, windowLengthMs } from '@tollgate/config';
import type { Reservation } from '@tollgate/contracts';

/**
 * A rolling window is counted in so many parts. More make it closer to the window (it forgets up to one part too late)
 * and each admission dearer: it reads them all.
 */
export const partsOfWindow = 12;

/** The part of a rolling window that a request is charged in. With the twelve before it holds all of the window. */
export interface WindowPart extends WindowBounds {
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
  return { startMs, endMs: startMs + partMs, countsUntilMs: startMs + (partsOfWindow + 1) * partMs };
}

/**
 * When a part leaves the window: `place` counts the parts from the oldest that an admission in the part at `startMs`
 * reads, from 0.
 */
export function leavesAt(window: string, place: number, startMs: number): number {
  return startMs + (place + 1) * partMsOf(window);
}

/** All windows that a limit counts in at this moment: what a rebuild has to make anew. */
export function runningWindows(limit: Limit, nowMs: number): WindowPart[] {
  if (!limit.rolling) {
    const bounds = windowBounds(limit.window, limit.timeZone, nowMs);
    return [{ ...bounds, countsUntilMs: bounds.endMs }];
  }
  const { startMs, endMs } = partAt(limit.window, nowMs);
  const windows: WindowPart[] = [];
  for (let back = partsOfWindow; back >= 0; back--) {
    windows.push(partAt(limit.window, startMs - back * (endMs - startMs)));
  }
  return windows;
}
