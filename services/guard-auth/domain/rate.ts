import { type Limit, windowLengthMs } from '@tollgate/config';
import type { Reservation } from '@tollgate/contracts';

/**
 * A rate by the generic cell rate algorithm (ITU-T I.371, in the form of its continuous-state leaky bucket). The level
 * says how far the theoretical arrival time is ahead of the clock, multiplied by `amount`: a unit adds `windowMs`, a
 * millisecond takes `amount` away. So all figures are whole numbers, and exact below 2^53.
 */
export interface Rate {
  /** Units that flow back in each window. */
  amount: number;
  windowMs: number;
  /** Units that may come at once. */
  burst: number;
}

/** A rate at the moment of an admission. */
export interface RateState {
  level: number;
  /** Of the store's clock. */
  atMs: number;
  /** The request did not fit, and was let pass uncounted since the limit refuses nobody. */
  passed: boolean;
}

/** Undefined for limits that count by windows. @throws RangeError for a window that `apply` refuses */
export function rateOf({ amount, burst, window }: Limit): Rate | undefined {
  if (burst === undefined) return undefined;
  const windowMs = windowLengthMs(window);
  if (windowMs === undefined) throw new RangeError(`'${window}' has no length of its own`);
  return { amount, burst, windowMs };
}

/** Whether a charge is one of a rate. */
export function isRate({ rate }: Pick<Reservation, 'rate'>): boolean {
  return rate !== undefined;
}

/** Units that may come now. */
export function remainingOf({ burst, windowMs }: Rate, { level }: RateState): number {
  return Math.max(0, Math.floor((burst * windowMs - level) / windowMs));
}

/** Milliseconds until so many units fit; 0: now. */
export function waitMsOf({ amount, burst, windowMs }: Rate, { level }: RateState, units: number): number {
  return Math.max(0, Math.ceil((level + units * windowMs - burst * windowMs) / amount));
}

/** Milliseconds until all of the burst is there again. */
export function fullInMs({ amount }: Rate, { level }: RateState): number {
  return Math.ceil(level / amount);
}

/**
 * The rate as a quota of whole seconds: its burst, and the time in which that flows back; where that is no whole number of
 * seconds, what flows back in a window.
 */
export function quotaOf({ amount, burst, windowMs }: Rate): { quota: number; windowMs: number } {
  const isWhole = (burst * windowMs) % (amount * 1000) === 0;
  return isWhole ? { quota: burst, windowMs: (burst * windowMs) / amount } : { quota: amount, windowMs };
}

/** Of a rate that is used up. */
export function fullLevel({ burst, windowMs }: Rate): number {
  return burst * windowMs;
}
