import type { Limit } from './snapshot.ts';
import { lengthOf, parseWindow } from './window.ts';

/** In per cent of a limit that says nothing about thresholds. */
const THRESHOLDS_DEFAULT: readonly number[] = [50, 80, 100];

/** Shorter windows are rates: who passes them waits, nobody has to be told. */
const WINDOW_MS_MIN = 3_600_000;

/** Whether a window is long enough to tell of; months are. */
export function hasThresholds(window: string): boolean {
  const parsed = parseWindow(window);
  return parsed !== undefined && (lengthOf(parsed) ?? WINDOW_MS_MIN) >= WINDOW_MS_MIN;
}

/**
 * Per cents of this limit that are told when its counter reaches them, ascending; none for slots, rates, rolling windows (which
 * have no beginning from which to tell anew) and windows below an hour.
 * A limit that counts callers apart tells only what its configuration names: there may be thousands of counters.
 */
export function thresholdsOf({ window, per, thresholds, rolling, burst }: Limit): readonly number[] {
  if (thresholds !== undefined) return thresholds;
  if (rolling || burst !== undefined) return [];
  return per === undefined && hasThresholds(window) ? THRESHOLDS_DEFAULT : [];
}
