/** After this long of being ready a process is sound again: its next crash counts as the first. */
export const soundAfterMs = 10_000;

const delayMsFirst = 250;
const delayMsMax = 15_000;

/**
 * How long to wait before the next start of a process that ended unasked, given how many crashes in a row that makes
 * (1 = the first): at once the first time, then 250 ms, doubled each time, at most 15 s.
 */
export function restartDelayMs(crashesInARow: number): number {
  if (crashesInARow <= 1) return 0;
  return Math.min(delayMsMax, delayMsFirst * 2 ** (crashesInARow - 2));
}

/** The number of crashes in a row after one more crash of a process that had been ready for `readyMs`. */
export function crashesAfter(crashesInARow: number, readyMs: number): number {
  return readyMs >= soundAfterMs ? 1 : crashesInARow + 1;
}
