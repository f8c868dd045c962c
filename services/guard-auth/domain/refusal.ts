import { TollgateError } from '@tollgate/errors';
import type { Check, Refusal } from './plan.ts';

/** Requests that run end within seconds; how soon exactly nobody knows. */
const heldRetryAfterMs = 1000;

export function budgetRefusal({ check, spent }: Refusal, nowMs: number): TollgateError {
  const { limit, bounds } = check;
  const budget = `The ${limit.limit.quantity} budget of ${limit.scope} ${limit.scopeName} for ${limit.limit.window}`;
  if (!spent) {
    return new TollgateError('rate_limit_exceeded', {
      message: `${budget} is reserved by requests that are still running. Try again in a moment.`,
      retryAfterMs: heldRetryAfterMs,
    });
  }
  return new TollgateError('budget_exceeded', {
    // Clients that know OpenAI's quota errors stop at this text instead of trying again.
    message: `${budget} does not cover this request any more. It will reset at ${new Date(bounds.endMs).toISOString()}`,
    retryAfterMs: Math.max(1, bounds.endMs - nowMs),
  });
}

export function neverFitsRefusal({ limit, amount }: Check): TollgateError {
  const whole = `${limit.limit.amount} ${limit.limit.quantity} for ${limit.limit.window}`;
  return new TollgateError('request_exceeds_limit', {
    message:
      `This request may use up to ${amount} ${limit.limit.quantity}; the whole budget of ${limit.scope} ` +
      `${limit.scopeName} is ${whole}. Send less, or set a lower limit on output tokens.`,
  });
}
