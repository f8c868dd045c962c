import type { ConfigSnapshot, Limit } from '@tollgate/config';
import type { Reservation } from '@tollgate/contracts';
import { noWindow } from './charge.ts';
import { runningWindows, windowNameOf } from './limit-windows.ts';
import { allLimits } from './limits.ts';

/** A counter that others are told of, with the limits that count in it. */
export interface ToldCounter extends Omit<Reservation, 'amount' | 'rate' | 'strictLimit'> {
  /** Of the usage that it counts, even if it counts for longer; 0 for slots. */
  windowEndMs: number;
  /** Names of the keys that it counts; empty = all of the scope. */
  keys: string[];
  limits: Pick<Limit, 'amount' | 'mode'>[];
}

/**
 * Every counter of a configuration at this moment, each once: of a rolling window all its parts, and slots, which have no window. Rates have
 * none, and who has one of a limit that counts callers apart only Redis knows.
 */
export function toldCounters(snapshot: ConfigSnapshot, nowMs: number): ToldCounter[] {
  const counters = new Map<string, ToldCounter>();
  for (const { scope, scopeId, selector, limit } of allLimits(snapshot)) {
    if (limit.per !== undefined || limit.burst !== undefined) continue;
    const { quantity, amount, mode, models = [], keys = [] } = limit;
    const windows = quantity === 'concurrency' ? [noWindow] : runningWindows(limit, nowMs);
    for (const { startMs: windowStartMs, endMs: windowEndMs } of windows) {
      const counter = { scope, scopeId, quantity, window: windowNameOf(limit), windowStartMs, selector, value: '' };
      const name = Object.values(counter).join(' ');
      const known = counters.get(name);
      if (known) known.limits.push({ amount, mode });
      else
        counters.set(name, {
          ...counter,
          windowEndMs,
          models: [...models],
          keys: [...keys],
          limits: [{ amount, mode }],
        });
    }
  }
  return [...counters.values()];
}
