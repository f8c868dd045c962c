import type { ErrorDetail, GuardReply } from '@tollgate/contracts';
import { TollgateError, toErrorDetail } from '@tollgate/errors';

/** When to ask again after a fault that passes by itself. */
const retryAfterMs = 1_000;

/** Nobody could be asked, or nobody answered. `kind` is the stage that the caller reads about. */
export function guardUnavailable(kind: string, reason: string): TollgateError {
  return new TollgateError('guard_unavailable', {
    message: `The ${kind} stage is not available: ${reason}. Please try again.`,
    retryAfterMs,
  });
}

export function overloaded(kind: string): TollgateError {
  return new TollgateError('overloaded', {
    message: `The ${kind} stage has too many requests waiting. Please try again.`,
    retryAfterMs,
  });
}

/**
 * What a handler threw, as a reply. Only a TollgateError speaks for itself: any other message may quote a caller's text
 * (JSON.parse does), so no more than its class is told, not even in the log.
 */
export function errorResult(kind: string, fault: unknown): Extract<GuardReply['result'], { $case: 'error' }> {
  return { $case: 'error', value: errorDetail(kind, fault) };
}

function errorDetail(kind: string, fault: unknown): ErrorDetail {
  if (fault instanceof TollgateError) return toErrorDetail(fault);
  const error = guardUnavailable(kind, 'it could not decide');
  return { ...toErrorDetail(error), internal: `${kind} handler threw ${faultName(fault)}` };
}

/** Class of a fault and where it was thrown, without its message. */
export function faultName(fault: unknown): string {
  if (!(fault instanceof Error)) return typeof fault;
  const frame = fault.stack?.split('\n').find((line) => /^\s+at /.test(line));
  return `${fault.name}${frame === undefined ? '' : ` ${frame.trim()}`}`;
}
