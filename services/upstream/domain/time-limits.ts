/**
 * Until when an attempt may wait for its first content: all of the time that is left when no other target could follow,
 * else half of it, so that a silent target leaves time for another one.
 * @param nowMs and lastMs milliseconds since the epoch
 */
export function attemptByMs(nowMs: number, lastMs: number, targetsLeft: number): number {
  return targetsLeft > 0 ? nowMs + Math.ceil((lastMs - nowMs) / 2) : lastMs;
}
