import type { WindowBounds } from '@tollgate/config';
import type { Reservation } from '@tollgate/contracts';
import type { BoundPart } from './bound.ts';

/** One counter that an admission charges: made only when spent + reserved + amount ≤ limit, for all of them together. */
export interface Charge {
  reservation: Reservation;
  /** The smallest limit on this counter that refuses, in units of its quantity. */
  limit: number;
  /**
   * The reservation's value may have a counter of its own when it has one already, or while there are fewer than so many in
   * this window; else the shared counter is charged. Absent: nothing to decide.
   */
  valuesMax?: number | undefined;
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

export interface CounterState {
  /** What settled requests used. */
  spent: number;
  /** What running requests may use. */
  reserved: number;
}

/** A counter as the ledger knows it. */
export interface CounterSum extends Omit<Reservation, 'amount' | 'models'> {
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
