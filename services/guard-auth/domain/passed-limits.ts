import type { CounterState } from './charge.ts';
import { isOwn, nameOfLimit, type ScopedLimit } from './limits.ts';
import { type Plan, passedBy } from './plan.ts';

/** Limits that a request passed without being refused. */
export interface PassedLimits {
  /** For the ledger's guardrail_hits. */
  hits: Record<string, number>;
  /** For the caller: its own team's soft limits. */
  headers: Record<string, string>;
}

const none: PassedLimits = Object.freeze({ hits: {}, headers: {} });

/** What the ledger and the caller are told of soft and shadow limits that are passed with this request. */
export function passedLimits(plan: Plan, counters: CounterState[]): PassedLimits {
  const passed = passedBy(plan, counters);
  if (passed.length === 0) return none;
  const hits = Object.assign({}, ...passed.map(({ limit }) => hitOf(limit))) as Record<string, number>;
  const told = passed.filter(({ limit }) => isOwn(limit) && limit.limit.mode === 'soft');
  if (told.length === 0) return { hits, headers: {} };
  const names = new Set(told.map(({ limit }) => nameOfLimit(limit)));
  return { hits, headers: { 'x-tollgate-limit-exceeded': [...names].join(', ') } };
}

/** A limit that refused or was passed, as the ledger's guardrail_hits name it: `hard.team-tokens-1d`. */
export function hitOf(limit: ScopedLimit): Record<string, number> {
  return { [`${limit.limit.mode}.${nameOfLimit(limit)}`]: 1 };
}
