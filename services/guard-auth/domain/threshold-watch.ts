import { type ConfigSnapshot, thresholdsOf, windowBounds } from '@tollgate/config';
import type { Reservation } from '@tollgate/contracts';
import type { CounterState } from './charge.ts';
import { allLimits, type ScopedLimit } from './limits.ts';

/** One limit as it looks at one counter. */
export interface Watch {
  limit: ScopedLimit;
  counter: Omit<Reservation, 'amount' | 'models'>;
  /**
   * Field of the counter with the highest per cent that was told. A limit of another amount starts anew: what was half of
   * the old one is not half of the new.
   */
  field: string;
  thresholds: readonly { percent: number; amount: number }[];
}

/** A counter that reached more of a limit than was told. */
export interface Reached {
  watch: Watch;
  /** When it was noticed. */
  counter: CounterState;
  /** Per cent; 0 = nothing yet. */
  told: number;
}

/** The smallest amount that is `percent` of a limit, exact for whatever a counter can hold. */
export function thresholdAmount(limit: number, percent: number): number {
  const hundredth = Math.floor(limit / 100);
  return hundredth * percent + Math.ceil(((limit - hundredth * 100) * percent) / 100);
}

const memory = new WeakMap<ConfigSnapshot, Map<string, ScopedLimit[]>>();

/** The limits of this configuration that tell what a reservation's counter reaches. */
export function watchesOf(snapshot: ConfigSnapshot, reservation: Reservation): Watch[] {
  let byCounter = memory.get(snapshot);
  if (!byCounter) {
    byCounter = telling(snapshot);
    memory.set(snapshot, byCounter);
  }
  const { scope, scopeId, quantity, window, windowStartMs, selector } = reservation;
  const limits = byCounter.get(nameOf(scope, scopeId, quantity, window, selector)) ?? [];
  return (
    limits
      // Of another time zone, or of one that was changed meanwhile: not its counter.
      .filter(({ limit }) => windowBounds(window, limit.timeZone, windowStartMs).startMs === windowStartMs)
      .map((limit) => watchOf(limit, reservation))
  );
}

function watchOf(limit: ScopedLimit, counter: Reservation): Watch {
  const { mode, amount } = limit.limit;
  const thresholds = thresholdsOf(limit.limit).map((percent) => ({
    percent,
    amount: thresholdAmount(amount, percent),
  }));
  return { limit, counter, field: `told:${mode}:${amount}`, thresholds };
}

function telling(snapshot: ConfigSnapshot): Map<string, ScopedLimit[]> {
  const byCounter = new Map<string, ScopedLimit[]>();
  for (const limit of allLimits(snapshot)) {
    if (thresholdsOf(limit.limit).length === 0) continue;
    const name = nameOf(limit.scope, limit.scopeId, limit.limit.quantity, limit.limit.window, limit.selector);
    byCounter.set(name, [...(byCounter.get(name) ?? []), limit]);
  }
  return byCounter;
}

function nameOf(...parts: string[]): string {
  return parts.join(' ');
}
