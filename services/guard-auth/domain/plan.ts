import type { WindowBounds as Bounds } from '@tollgate/config';
import { type Bound, boundPart } from './bound.ts';
import { type Charge, type ChargePart, type CounterState, noWindow } from './charge.ts';
import type { Estimate } from './estimate.ts';
import { leavesAt, partAt, windowNameOf } from './limit-windows.ts';
import { type Caller, callerValue, type ScopedLimit } from './limits.ts';
import type { Quantity } from './quantity.ts';
import { rateOf, waitMsOf } from './rate.ts';

/** One limit as it binds one request. */
export interface Check {
  limit: ScopedLimit;
  /** Of a rolling window: of its part. */
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
  /** Where a strict limit may bind the request: the most that it can use. */
  bound?: Bound | undefined;
}

/** What a request would charge. Two limits may share a counter (the same window in time zones that agree today). */
export interface Plan {
  checks: Check[];
  charges: Charge[];
  /** A strict limit binds the request: every charge has a part. */
  bound?: Bound | undefined;
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
  const bound = limits.some(isStrict) ? need.bound : undefined;
  const plan: Plan = { checks: [], charges: [], ...(bound && { bound }) };
  const places = new Map<string, number>();
  for (const limit of limits) {
    const { scope, scopeId, selector } = limit;
    const { quantity, models = [], per, valuesMax } = limit.limit;
    const most = mostOf(limit);
    const rate = rateOf(limit.limit);
    const bounds = quantity === 'concurrency' || rate ? noWindow : boundsOf(limit.limit);
    const rolling = limit.limit.rolling && partAt(limit.limit.window, bounds.startMs);
    const window = windowNameOf(limit.limit);
    const part = bound && partOf(bound, need, limit);
    const amount = part && bound ? leastOf(part, bound) : amountOf(need, quantity, most);
    const strictLimit = part && isStrict(limit) ? most : undefined;
    const enforced = refuses(limit) ? most : noLimit;
    const value = per === undefined ? '' : callerValue(per, caller);
    const name = `${scope} ${scopeId} ${quantity} ${window} ${bounds.startMs} ${selector}`;
    const place = places.get(name);
    const shared = place === undefined ? undefined : plan.charges[place];
    if (place !== undefined && shared) {
      shared.limit = Math.min(shared.limit, enforced);
      if (bound && part) joinPart(shared, part, bound, strictLimit);
      else shared.reservation.amount = Math.min(shared.reservation.amount, amount);
      if (shared.valuesMax && valuesMax) shared.valuesMax = Math.min(shared.valuesMax, valuesMax);
      shared.reservation.windowEndMs = Math.max(shared.reservation.windowEndMs, bounds.endMs);
      plan.checks.push({ limit, bounds, amount, charge: place });
      continue;
    }
    const { startMs: windowStartMs } = bounds;
    const windowEndMs = rolling ? rolling.countsUntilMs : bounds.endMs;
    const counter = { scope, scopeId, quantity, window, windowStartMs, windowEndMs, models: [...models], selector };
    const reservation = { ...counter, value, amount, rate: rate?.amount, strictLimit };
    places.set(name, plan.charges.length);
    plan.checks.push({ limit, bounds, amount, charge: plan.charges.length });
    // Slots go with their last holder, so there are never more counters than requests that run.
    const bounded = value !== '' && quantity !== 'concurrency';
    plan.charges.push({
      ...{ reservation, limit: enforced, valuesMax: bounded ? valuesMax : undefined },
      ...(rolling && { rolling }),
      ...(rate && { rate }),
      ...(part && { part }),
    });
  }
  return plan;
}

/** The largest request that a limit can ever let pass. */
export function mostOf({ limit: { amount, burst } }: ScopedLimit): number {
  return burst ?? amount;
}

/** What a limit reserves of a bound: a strict one all of it, another one its estimate where that is less. */
function partOf(bound: Bound, need: Need, limit: ScopedLimit): ChargePart {
  const { quantity } = limit.limit;
  if (isStrict(limit)) return boundPart(bound, quantity);
  const { fixed, unit } = boundPart(bound, quantity);
  const { known } = partsOf(need, quantity);
  return { fixed: Math.min(fixed, known), unit, most: amountOf(need, quantity, mostOf(limit)) };
}

function leastOf({ fixed, unit, most = Number.POSITIVE_INFINITY }: ChargePart, { outputTokensMin }: Bound): number {
  return Math.min(fixed + unit * outputTokensMin, most);
}

/** Two limits on one counter: it holds the bound where one of them is strict. */
function joinPart(shared: Charge, part: ChargePart, bound: Bound, strictLimit: number | undefined): void {
  const { reservation, part: held = part } = shared;
  if (part.most === undefined) shared.part = part;
  else if (held.most !== undefined) shared.part = { ...held, most: Math.min(held.most, part.most) };
  reservation.amount = leastOf(shared.part ?? part, bound);
  if (strictLimit !== undefined)
    reservation.strictLimit = Math.min(reservation.strictLimit ?? strictLimit, strictLimit);
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
  return plan.checks.find(({ amount, limit }) => refuses(limit) && amount > mostOf(limit));
}

export interface Refusal {
  check: Check;
  /** True: spent. False: only held by requests that still run, so soon free again. */
  spent: boolean;
  /** When there is room again, as far as only time gives it. */
  freeAtMs: number;
  /** Of a rate: exactly so long until then. */
  waitMs?: number;
}

/** Which limit refused, from the counters that the store refused on: the one that takes longest to pass. */
export function refusalOf(plan: Plan, counters: CounterState[]): Refusal | undefined {
  let longest: Refusal | undefined;
  for (const check of plan.checks) {
    if (!refuses(check.limit)) continue;
    const charge = plan.charges[check.charge];
    const state = counters[check.charge] ?? empty;
    const amount = charge?.reservation.amount ?? check.amount;
    const refusal = charge?.rate ? refusedByRate(check, charge, state) : refusedByWindow(check, amount, state);
    if (refusal && (!longest || takesLonger(refusal, longest))) longest = refusal;
  }
  return longest;
}

const empty: CounterState = Object.freeze({ spent: 0, reserved: 0 });

function refusedByRate(check: Check, { rate, reservation }: Charge, state: CounterState): Refusal | undefined {
  if (!rate || !state.rate) return undefined;
  const waitMs = waitMsOf(rate, state.rate, reservation.amount);
  return waitMs > 0 ? { check, spent: true, freeAtMs: state.rate.atMs + waitMs, waitMs } : undefined;
}

function refusedByWindow(check: Check, amount: number, { spent, reserved, parts }: CounterState): Refusal | undefined {
  const { limit } = check.limit;
  if (spent + reserved + amount <= limit.amount) return undefined;
  // What running requests hold is given back, but for the requests themselves: those count from admission on.
  const kept = limit.quantity === 'requests' ? spent + reserved : spent;
  const freeAtMs =
    limit.rolling && parts ? leavesAt(limit.window, parts.needed, check.bounds.startMs) : check.bounds.endMs;
  return { check, spent: kept + amount > limit.amount, freeAtMs };
}

/** Limits that refuse nobody and are passed with this request, from the counters as they are after it. */
export function passedBy(plan: Plan, counters: CounterState[]): Check[] {
  return plan.checks.filter(({ limit, charge }) => {
    const { spent, reserved, rate } = counters[charge] ?? empty;
    return !refuses(limit) && (rate ? rate.passed : spent + reserved > limit.limit.amount);
  });
}

/** Soft and shadow limits count, and refuse nobody. */
export function refuses({ limit }: ScopedLimit): boolean {
  return limit.mode === 'hard' || limit.mode === 'strict';
}

/** A limit that is never passed: it counts what a request can use, not what it is expected to. */
export function isStrict({ limit }: ScopedLimit): boolean {
  return limit.mode === 'strict';
}

function takesLonger(one: Refusal, other: Refusal): boolean {
  if (one.spent !== other.spent) return one.spent;
  return one.freeAtMs > other.freeAtMs;
}
