import { TollgateError } from '@tollgate/errors';
import { lengthMsOf } from './limit-windows.ts';
import type { ScopedLimit } from './limits.ts';
import type { Check, Refusal } from './plan.ts';
import { nounOf, shown } from './quantity.ts';

/** Requests that run end within seconds; how soon exactly nobody knows. */
const heldRetryAfterMs = 1000;
/** A window up to this long is a rate: its caller waits, where that of a budget stops. */
const rateWindowMsMax = 60_000;

/**
 * 429 of the limit that refused: `concurrency_exceeded`, `rate_limit_exceeded` for a rate or what is only held, else
 * `budget_exceeded`.
 */
export function limitRefusal({ check, spent, freeAtMs, waitMs }: Refusal, nowMs: number): TollgateError {
  const { limit, bounds } = check;
  if (limit.limit.quantity === 'concurrency') {
    return new TollgateError('concurrency_exceeded', {
      message:
        `The limit of ${limit.limit.amount} requests at the same time of ${ownerOf(limit)} is reached. ` +
        'Try again in a moment.',
      retryAfterMs: heldRetryAfterMs,
    });
  }
  const noun = nounOf(limit.limit.quantity);
  const owner = `of ${ownerOf(limit)} for ${limit.limit.window}`;
  if (!spent) {
    return new TollgateError('rate_limit_exceeded', {
      message: `The ${noun} budget ${owner} is reserved by requests that are still running. Try again in a moment.`,
      retryAfterMs: heldRetryAfterMs,
    });
  }
  const retryAfterMs = waitMs ?? Math.max(1, freeAtMs - nowMs);
  if (waitMs !== undefined || lengthMsOf(limit.limit, bounds) <= rateWindowMsMax) {
    return new TollgateError('rate_limit_exceeded', {
      message: `The ${noun} limit ${owner} is reached. Try again in ${Math.ceil(retryAfterMs / 1000)} s.`,
      retryAfterMs,
    });
  }
  return new TollgateError('budget_exceeded', {
    // Clients that know OpenAI's quota errors stop at this text instead of trying again.
    message: `The ${noun} budget ${owner} does not cover this request any more. It will reset at ${new Date(freeAtMs).toISOString()}`,
    retryAfterMs,
  });
}

/** 503 of a limit that failed its self-check here; another replica may have proven it. */
export function unprovenRefusal(limit: ScopedLimit, retryAfterMs: number): TollgateError {
  const { quantity, window } = limit.limit;
  const noun = nounOf(quantity);
  return new TollgateError('limit_unproven', {
    message: `The ${noun} limit of ${ownerOf(limit)}${window && ` for ${window}`} is not proven to work, so this request is not admitted.`,
    retryAfterMs,
  });
}

export function neverFitsRefusal({ limit, amount }: Check): TollgateError {
  const { quantity, amount: whole, burst = whole, window } = limit.limit;
  const least = burst === whole ? `${shown(quantity, whole)} for ${window}` : `${shown(quantity, burst)} at once`;
  return new TollgateError('request_exceeds_limit', {
    message:
      `This request may use up to ${shown(quantity, amount)}; the whole budget of ${ownerOf(limit)} ` +
      `is ${least}. Send less, or set a lower limit on output tokens.`,
  });
}

/** Whose limit it is, and on what: `team engineering per user on gpt-4o, gpt-4o-mini`. */
function ownerOf({ scope, scopeName, limit }: ScopedLimit): string {
  const per = limit.per ? ` per ${limit.per}` : '';
  return `${scope} ${scopeName}${per}${limit.models ? ` on ${limit.models.join(', ')}` : ''}`;
}
