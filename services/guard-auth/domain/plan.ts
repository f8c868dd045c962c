import type { WindowBounds as Bounds } from '@tollgate/config';
import { type Charge, type CounterState, noWindow } from './charge.ts';
import type { Estimate } from './estimate.ts';
import { type Caller, callerValue, type ScopedLimit } from './limits.ts';
import type { Quantity } from './quantity.ts';

/** One limit as it binds one request. */
export interface Check {
  limit: ScopedLimit;
  bounds: Bounds;
  /** What the request reserves, in the limit's quantity. */
  amount: number;
  /** Place of its counter in the plan's charges. */
  charge: number;
}

/** What a request is assumed to need, in every quantity. */
export interface Need extends Estimate {
  /** Of the whole estimate, at the dearest model that may serve it. */
  costNanoUsd: number;
  /** The prompt's part of it. */
  promptCostNanoUsd: number;
}

/** What a request would charge. Two limits may share a counter (the same window in time zones that agree today). */
export interface Plan {
  checks: Check[];
  charges: Charge[];
}

/**
 * A guess takes at most this part of a limit: a small budget must not be refused, or blocked by one request, because of
 * tokens that nobody asked for.
 */
const guessShareMax = 0.05;

/** Of a counter that refuses nobody: the largest that the store adds up exactly. */
export const noLimit = Number.MAX_SAFE_INTEGER;

export function planCharges(
  limits: ScopedLimit[],
  need: Need,
  caller: Caller,
  boundsOf: (limit: ScopedLimit['limit']) => Bounds,
): Plan {
  const plan: Plan = { checks: [], charges: [] };
  const places = new Map<string, number>();
  for (const limit of limits) {
    const { scope, scopeId, selector } = limit;
    const { quantity, window, amount: most, models = [], per, valuesMax } = limit.limit;
    const bounds = quantity === 'concurrency' ? noWindow : boundsOf(limit.limit);
    const amount = amountOf(need, quantity, most);
    const enforced = refuses(limit) ? most : noLimit;
    const value = per === undefined ? '' : callerValue(per, caller);
    const name = `${scope} ${scopeId} ${quantity} ${window} ${bounds.startMs} ${selector}`;
    const place = places.get(name);
    const shared = place === undefined ? undefined : plan.charges[place];
    if (place !== undefined && shared) {
      shared.limit = Math.min(shared.limit, enforced);
      shared.reservation.amount = Math.min(shared.reservation.amount, amount);
      if (shared.valuesMax && valuesMax) shared.valuesMax = Math.min(shared.valuesMax, valuesMax);
      shared.reservation.windowEndMs = Math.max(shared.reservation.windowEndMs, bounds.endMs);
      plan.checks.push({ limit, bounds, amount, charge: place });
      continue;
    }
    const { startMs: windowStartMs, endMs: windowEndMs } = bounds;
    const counter = { scope, scopeId, quantity, window, windowStartMs, windowEndMs, models: [...models], selector };
    const reservation = { ...counter, value, amount };
    places.set(name, plan.charges.length);
    plan.checks.push({ limit, bounds, amount, charge: plan.charges.length });
    // Slots go with their last holder, so there are never more counters than requests that run.
    const bounded = value !== '' && quantity !== 'concurrency';
    plan.charges.push({ reservation, limit: enforced, valuesMax: bounded ? valuesMax : undefined });
  }
  return plan;
}

/** What is known, and what is only guessed of it, in the limit's quantity. */
function amountOf(need: Need, quantity: Quantity, limit: number): number {
  const { known, open } = partsOf(need, quantity);
  return known + (need.guessed ? Math.min(open, Math.max(1, Math.floor(limit * guessShareMax))) : open);
}

function partsOf(need: Need, quantity: Quantity): { known: number; open: number } {
  switch (quantity) {
    case 'tokens':
      return { known: need.promptTokens, open: need.completionTokens };
    case 'prompt_tokens':
      return { known: need.promptTokens, open: 0 };
    case 'completion_tokens':
      return { known: 0, open: need.completionTokens };
    case 'cost_nano_usd':
      return { known: need.promptCostNanoUsd, open: need.costNanoUsd - need.promptCostNanoUsd };
    case 'requests':
    case 'concurrency':
      return { known: 1, open: 0 };
  }
}

/** The first limit that this request could not pass even if nothing were spent. */
export function neverFits(plan: Plan): Check | undefined {
  return plan.checks.find(({ amount, limit }) => refuses(limit) && amount > limit.limit.amount);
}

export interface Refusal {
  check: Check;
  /** True: spent. False: only held by requests that still run, so soon free again. */
  spent: boolean;
}

/** Which limit refused, from the counters that the store refused on: the one that takes longest to pass. */
export function refusalOf(plan: Plan, counters: CounterState[]): Refusal | undefined {
  let longest: Refusal | undefined;
  for (const check of plan.checks) {
    if (!refuses(check.limit)) continue;
    const { spent, reserved } = counters[check.charge] ?? { spent: 0, reserved: 0 };
    const amount = plan.charges[check.charge]?.reservation.amount ?? check.amount;
    if (spent + reserved + amount <= check.limit.limit.amount) continue;
    // What running requests hold is given back, but for the requests themselves: those count from admission on.
    const kept = check.limit.limit.quantity === 'requests' ? spent + reserved : spent;
    const refusal = { check, spent: kept + amount > check.limit.limit.amount };
    if (!longest || takesLonger(refusal, longest)) longest = refusal;
  }
  return longest;
}

/** Limits that refuse nobody and are passed with this request, from the counters as they are after it. */
export function passedBy(plan: Plan, counters: CounterState[]): Check[] {
  return plan.checks.filter(({ limit, charge }) => {
    const { spent, reserved } = counters[charge] ?? { spent: 0, reserved: 0 };
    return !refuses(limit) && spent + reserved > limit.limit.amount;
  });
}

/** Soft and shadow limits count, and refuse nobody. */
export function refuses({ limit }: ScopedLimit): boolean {
  return limit.mode === 'hard';
}

function takesLonger(one: Refusal, other: Refusal): boolean {
  if (one.spent !== other.spent) return one.spent;
  return one.check.bounds.endMs > other.check.bounds.endMs;
}
