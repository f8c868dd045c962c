const FIRST_MS = 100;
const MAX_MS = 5000;

/** Pause before the next attempt: doubled after each failure, at most 5 s, less up to a fifth so that replicas do not march in step. */
export function backoffMs(failures: number, random: () => number = Math.random): number {
  const full = Math.min(MAX_MS, FIRST_MS * 2 ** Math.min(failures - 1, 10));
  return Math.round(full * (1 - random() / 5));
}
