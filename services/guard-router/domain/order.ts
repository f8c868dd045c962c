/** What is known of one target of a rotation at this moment. */
export interface Standing {
  /** Suspended until then, milliseconds since the epoch; 0 = healthy. In the past: waits for its half-open probe. */
  untilMs: number;
  /** Another request is probing it until then; 0 = nobody. */
  probedUntilMs: number;
}

export interface Order {
  /** Positions in the configured list, in the order in which they are to be tried. */
  positions: number[];
  /** The first one is suspended and this request is its probe. */
  probe: boolean;
  /** When nothing may be tried: the soonest moment at which something may. */
  retryAtMs: number;
}

/**
 * Exact turn-taking: the first target after the last one that may be used, then the other healthy ones as failover, in
 * the order of the list. A target whose suspension has run out is used by one request at a time until it has answered;
 * it is nobody's failover before that.
 */
export function orderTargets(standings: readonly Standing[], last: number, nowMs: number): Order {
  const count = standings.length;
  const turn = Array.from({ length: count }, (_, step) => (last + 1 + step) % count);
  const usable = turn.filter((position) => isUsable(standings[position] as Standing, nowMs));
  const [first] = usable;
  if (first === undefined) {
    return {
      positions: [],
      probe: false,
      retryAtMs: Math.min(...standings.map((standing) => freeAtMs(standing, nowMs))),
    };
  }
  const healthy = usable.filter((position) => position !== first && standings[position]?.untilMs === 0);
  return { positions: [first, ...healthy], probe: standings[first]?.untilMs !== 0, retryAtMs: 0 };
}

/** It may have a turn: healthy, or free for its probe. */
export function isUsable({ untilMs, probedUntilMs }: Standing, nowMs: number): boolean {
  return untilMs === 0 || (untilMs <= nowMs && probedUntilMs <= nowMs);
}

/** When it may have one; 0 or past = now. */
export function freeAtMs({ untilMs, probedUntilMs }: Standing, nowMs: number): number {
  return untilMs > nowMs ? untilMs : probedUntilMs;
}
