const everyMs = 5_000;
const failedMsMax = 60_000;

export interface PaceState {
  /** Questions in a row that were not answered. */
  failures: number;
  /** Said by the last refusal. */
  retryAfterMs?: number | undefined;
}

/** How long to wait for the next question: five seconds, and longer after each failure, up to a minute. */
export function nextQuestionMs({ failures, retryAfterMs = 0 }: PaceState): number {
  return Math.min(failedMsMax, Math.max(retryAfterMs, everyMs * 2 ** Math.max(0, failures - 1)));
}
