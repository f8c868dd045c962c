import type { WindowBounds } from '@tollgate/config';
import type { Reservation } from '@tollgate/contracts';
import type { BoundPart } from './bound.ts';
import type { WindowPart } from './limit-windows.ts';
import type { Rate, RateState } from './rate.ts';

/** One counter or rate that an admission charges: made only when all of them have room for their amount. */
export interface Charge {
  reservation: Reservation;
  /** The smallest limit on this counter that refuses, in units of its quantity: spent + reserved + amount ≤ limit. */
  limit: number;
  /**
   * The reservation's value may have a counter of its own when it has one already, or while there are fewer than so many in
   * this window; else the shared counter is charged. Absent: nothing to decide.
   */
  valuesMax?: number | undefined;
  /** Of a rolling window: the part that is charged. What the parts before hold counts, too. */
  rolling?: WindowPart | undefined;
  /** There is no counter: this rate is charged, and `limit` says only whether it refuses. */
  rate?: Rate | undefined;
  /**
   * Under a strict limit the script decides the amount, when it knows what is left: `fixed`, and `unit` for each output token
   * that is granted, at most `most`. The reservation's amount is the least of it.
   */
  part?: ChargePart | undefined;
}

export interface ChargePart extends BoundPart {
  /** Of a limit that is not strict: what it reserves by estimate. Absent: the bound itself. */
  most?: number;
}

/** Of a rolling window the sums of all its parts; of a rate what is used of its burst, rounded up, as spent. */
export interface CounterState {
  /** What settled requests used. */
  spent: number;
  /** What running requests may use. */
  reserved: number;
  /** Of a rolling window, by place among its parts from the oldest that counts, from 0. */
  parts?: {
    /** The newest that holds anything. */
    newest: number;
    /** Of a refusal: the oldest that has to leave for the request to fit. */
    needed: number;
  };
  rate?: RateState;
}

/** A counter as the ledger knows it. */
export interface CounterSum extends Omit<Reservation, 'amount' | 'models'> {
  /** Of the usage from `windowStartMs` until then; it counts until `windowEndMs`. */
  usedUntilMs: number;
  spent: number;
}

/** Of slots: they are held while a request runs, in no window. */
export const noWindow: WindowBounds = Object.freeze({ startMs: 0, endMs: 0 });

/** Usage of an ended window matters to nobody but late readers; later than this it is not counted any more. */
const lateSettlementMsMax = 30 * 60_000;
const counterKeptMs = 60 * 60_000;

/** 0 for a counter without a window, which goes when nothing is reserved in it any more. */
export function counterExpiresAtMs(windowEndMs: number): number {
  return windowEndMs === noWindow.endMs ? 0 : windowEndMs + counterKeptMs;
}

/** True while the window's counter is still to be kept right. */
export function countsStill(windowEndMs: number, nowMs: number): boolean {
  return windowEndMs === noWindow.endMs || nowMs < windowEndMs + lateSettlementMsMax;
}
