/** A receiver that was away for longer is not told any more: its window may be over, and the ledger has the event. */
const TRIED_MS = 24 * 3_600_000;
const PAUSE_MS_FIRST = 5000;
const PAUSE_MS_MAX = 3_600_000;

export interface Failure {
  /** From 1. */
  attempt: number;
  eventAtMs: number;
  nowMs: number;
  /** What the receiver asked for. */
  retryAfterMs?: number | undefined;
  /** The receiver wants it never (410). */
  gone?: boolean | undefined;
}

/**
 * Pause before the next attempt, ms: doubled from 5 s to an hour, less up to a quarter so that receivers are not met by
 * all at once, and never before the receiver said. Undefined: it is given up, a day after the event.
 */
export function pauseMs(
  { attempt, eventAtMs, nowMs, retryAfterMs = 0, gone = false }: Failure,
  random: () => number = Math.random,
): number | undefined {
  const leftMs = eventAtMs + TRIED_MS - nowMs;
  if (gone || leftMs <= 0) return undefined;
  const full = Math.min(PAUSE_MS_MAX, PAUSE_MS_FIRST * 2 ** Math.min(attempt - 1, 20));
  const pause = Math.round(full * (1 - random() / 4));
  return Math.min(Math.max(pause, retryAfterMs), leftMs);
}

/** Of a Retry-After header, ms: seconds or a date. Undefined for anything else. */
export function retryAfterMs(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) return undefined;
  if (/^\d{1,9}$/.test(header)) return Number(header) * 1000;
  const atMs = Date.parse(header);
  return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - nowMs);
}
