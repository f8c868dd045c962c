import { type Charge, type CounterState, noWindow } from './charge.ts';
import { leavesAt, lengthMsOf } from './limit-windows.ts';
import { isOwn, nameOfLimit } from './limits.ts';
import { type Check, mostOf, type Plan, refuses } from './plan.ts';
import { inUnits, unitOf } from './quantity.ts';
import { fullInMs, quotaOf, remainingOf } from './rate.ts';

interface Standing {
  name: string;
  check: Check;
  remaining: number;
  /** Until all of it is there again; undefined: nobody knows. */
  resetMs: number | undefined;
  /** What may be used in each `windowMs`. */
  quota: number;
  /** Undefined: there is no window. */
  windowMs: number | undefined;
}

/**
 * OpenAI's x-ratelimit-*-requests and -tokens of the limit with the least left, and RateLimit with RateLimit-Policy
 * (draft-ietf-httpapi-ratelimit-headers-11) of all that refuse.
 * Only limits of the caller's own team and key.
 */
export function rateLimitHeaders(plan: Plan, counters: CounterState[], nowMs: number): Record<string, string> {
  const standings = ownStandings(plan, counters, nowMs);
  if (standings.length === 0) return {};
  return {
    ...ofOpenAi('requests', standings),
    ...ofOpenAi('tokens', standings),
    'ratelimit-policy': standings.map(policyItem).join(', '),
    ratelimit: standings.map(limitItem).join(', '),
  };
}

/** OpenAI tells one limit a quantity: the one with the least left. */
function ofOpenAi(quantity: 'requests' | 'tokens', standings: Standing[]): Record<string, string> {
  let tightest: Standing | undefined;
  for (const standing of standings) {
    if (standing.check.limit.limit.quantity !== quantity) continue;
    if (!tightest || standing.remaining < tightest.remaining) tightest = standing;
  }
  if (!tightest) return {};
  return {
    [`x-ratelimit-limit-${quantity}`]: String(mostOf(tightest.check.limit)),
    [`x-ratelimit-remaining-${quantity}`]: String(tightest.remaining),
    [`x-ratelimit-reset-${quantity}`]: duration(tightest.resetMs ?? 0),
  };
}

function ownStandings(plan: Plan, counters: CounterState[], nowMs: number): Standing[] {
  const names = new Set<string>();
  return plan.checks
    .filter(({ limit }) => isOwn(limit) && refuses(limit))
    .map((check) => {
      // One name for each policy: a second limit of the same window differs in its time zone or amount.
      const short = nameOfLimit(check.limit);
      const name = names.has(short) ? `${short}-${names.size}` : short;
      names.add(name);
      return { name, check, ...standingOf(check, plan.charges[check.charge], counters[check.charge], nowMs) };
    });
}

function standingOf(
  { limit: { limit }, bounds }: Check,
  charge: Charge | undefined,
  { spent, reserved, parts, rate: state }: CounterState = { spent: 0, reserved: 0 },
  nowMs: number,
): Omit<Standing, 'name' | 'check'> {
  if (charge?.rate && state) {
    const { rate } = charge;
    return { remaining: remainingOf(rate, state), resetMs: fullInMs(rate, state), ...quotaOf(rate) };
  }
  const quota = limit.amount;
  const remaining = Math.max(0, limit.amount - spent - reserved);
  if (bounds === noWindow) return { remaining, resetMs: undefined, quota, windowMs: undefined };
  const windowMs = lengthMsOf(limit, bounds);
  if (!limit.rolling) return { remaining, resetMs: Math.max(0, bounds.endMs - nowMs), quota, windowMs };
  const used = spent + reserved > 0 && parts;
  const resetMs = used ? Math.max(0, leavesAt(limit.window, used.newest, bounds.startMs) - nowMs) : 0;
  return { remaining, resetMs, quota, windowMs };
}

/** Most units are not in the draft's registry; without one a policy would speak of requests. */
function policyItem({ name, check, quota, windowMs }: Standing): string {
  const { quantity } = check.limit.limit;
  const policy = `"${name}";q=${inUnits(quantity, quota)};qu="${unitOf(quantity)}"`;
  return windowMs === undefined ? policy : `${policy};w=${windowMs / 1000}`;
}

/** When running requests end nobody knows, so slots have no reset. */
function limitItem({ name, check, remaining, resetMs }: Standing): string {
  const left = `"${name}";r=${inUnits(check.limit.limit.quantity, remaining)}`;
  return resetMs === undefined ? left : `${left};t=${Math.ceil(resetMs / 1000)}`;
}

/** As OpenAI writes it: 1s, 6m0s, 23h59m59s; milliseconds below a second. */
function duration(ms: number): string {
  if (ms < 1000) return `${Math.ceil(ms)}ms`;
  const seconds = Math.ceil(ms / 1000);
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  const rest = `${seconds % 60}s`;
  if (hours > 0) return `${hours}h${minutes}m${rest}`;
  return minutes > 0 ? `${minutes}m${rest}` : rest;
}
