import { type CounterState, noWindow } from './charge.ts';
import { isOwn, nameOfLimit } from './limits.ts';
import { type Check, type Plan, refuses } from './plan.ts';
import { unitOf } from './quantity.ts';

/** Largest integer of a structured field (RFC 9651, 3.3.1). */
const fieldIntegerMax = 999_999_999_999_999;

interface Standing {
  name: string;
  check: Check;
  remaining: number;
  /** Until the window ends. */
  resetMs: number;
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
    [`x-ratelimit-limit-${quantity}`]: String(tightest.check.limit.limit.amount),
    [`x-ratelimit-remaining-${quantity}`]: String(tightest.remaining),
    [`x-ratelimit-reset-${quantity}`]: duration(tightest.resetMs),
  };
}

function ownStandings(plan: Plan, counters: CounterState[], nowMs: number): Standing[] {
  const names = new Set<string>();
  return plan.checks
    .filter(({ limit }) => isOwn(limit) && refuses(limit))
    .map((check) => {
      const { spent, reserved } = counters[check.charge] ?? { spent: 0, reserved: 0 };
      const { limit } = check.limit;
      // One name for each policy: a second limit of the same window differs in its time zone or amount.
      const short = nameOfLimit(check.limit);
      const name = names.has(short) ? `${short}-${names.size}` : short;
      names.add(name);
      return {
        name,
        check,
        remaining: Math.max(0, limit.amount - spent - reserved),
        resetMs: Math.max(0, check.bounds.endMs - nowMs),
      };
    });
}

/** Most units are not in the draft's registry; without one a policy would speak of requests. */
function policyItem({ name, check }: Standing): string {
  const { limit } = check.limit;
  const quota = `"${name}";q=${fieldInteger(limit.amount)};qu="${unitOf(limit.quantity)}"`;
  const seconds = Math.round((check.bounds.endMs - check.bounds.startMs) / 1000);
  return check.bounds === noWindow ? quota : `${quota};w=${seconds}`;
}

/** When running requests end nobody knows, so slots have no reset. */
function limitItem({ name, check, remaining, resetMs }: Standing): string {
  const left = `"${name}";r=${fieldInteger(remaining)}`;
  return check.bounds === noWindow ? left : `${left};t=${Math.ceil(resetMs / 1000)}`;
}

function fieldInteger(value: number): number {
  return Math.min(value, fieldIntegerMax);
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
