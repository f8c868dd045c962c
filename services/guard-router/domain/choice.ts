import { freeAtMs, isUsable, type Standing } from './order.ts';
import type { Plan } from './plan.ts';
import { smoothTurn } from './smooth.ts';

/** What the store, or this replica alone, decided for one request. Lists are in the order of the plan's targets. */
export interface Choice {
  /** Whose turn it is; -1 = nobody may be tried. */
  position: number;
  /** It is suspended and this request is its probe. */
  probe: boolean;
  standings: readonly Standing[];
  /** When its rates have room for this request, milliseconds since the epoch; 0 = now. */
  roomAtMs: readonly number[];
  /** Requests in flight (least-busy), milliseconds to the first content (least-latency), else 0; -1 = not known. */
  loads: readonly number[];
}

/** What a replica without the store goes by: its own turns, and what it last heard. */
export interface Alone {
  /** The position that had the last turn. */
  last: number;
  standings: readonly Standing[];
  /** Of strategy weighted. */
  currents: number[];
}

/**
 * The chosen target and then its failovers: what is healthy and has room, the lowest rank or load first, among equals in the
 * order of the list after the chosen one.
 */
export function withFailovers(
  { position: first, standings, roomAtMs, loads }: Choice,
  ranks: readonly number[],
): number[] {
  if (first < 0) return [];
  const count = standings.length;
  const measure = (position: number) => {
    const load = loads[position] ?? 0;
    return (ranks[position] ?? 0) + (load < 0 ? Number.MAX_SAFE_INTEGER : load);
  };
  const others = Array.from({ length: count - 1 }, (_, step) => (first + 1 + step) % count)
    .filter((position) => standings[position]?.untilMs === 0 && roomAtMs[position] === 0)
    .sort((one, other) => measure(one) - measure(other));
  return [first, ...others];
}

/** Why nobody may be tried, and when somebody may again. */
export function whyNobody({ standings, roomAtMs }: Choice, nowMs: number): { full: boolean; retryAtMs: number } {
  const moments = standings.map((standing, position) => Math.max(freeAtMs(standing, nowMs), roomAtMs[position] ?? 0));
  const full = standings.some((standing, position) => isUsable(standing, nowMs) && (roomAtMs[position] ?? 0) > 0);
  return { full, retryAtMs: Math.min(...moments) };
}

/** The same without the store: nobody knows loads and rates, so least-busy and least-latency take turns. */
export function chooseAlone(plan: Plan, ranks: readonly number[], alone: Alone, nowMs: number): Choice {
  const { standings } = alone;
  const count = standings.length;
  const usable = (position: number) => isUsable(standings[position] as Standing, nowMs);
  let position = -1;
  if (plan.strategy === 'weighted') position = smoothTurn(plan.weights, alone.currents, usable);
  else {
    for (let step = 1; step <= count; step++) {
      const next = (alone.last + step) % count;
      if (!usable(next)) continue;
      if (position < 0 || (ranks[next] ?? 0) < (ranks[position] ?? 0)) position = next;
    }
  }
  if (position >= 0) alone.last = position;
  const none = standings.map(() => 0);
  const probe = position >= 0 && standings[position]?.untilMs !== 0;
  return { position, probe, standings, roomAtMs: none, loads: none };
}
