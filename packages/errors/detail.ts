import type { ErrorDetail } from '@tollgate/contracts';
import { errorTable } from './table.ts';
import { TollgateError } from './tollgate-error.ts';

/** Cut, so that an error never outgrows a message of the bus. */
const INTERNAL_CHARACTERS_MAX = 2000;

/** Any thrown value as it travels. What is not a TollgateError becomes `internal_error`, its text for logs only. */
export function toErrorDetail(error: unknown): ErrorDetail {
  if (!(error instanceof TollgateError)) {
    return {
      code: 'internal_error',
      message: errorTable.internal_error.message,
      param: '',
      internal: describe(error).slice(0, INTERNAL_CHARACTERS_MAX),
      retryAfterMs: 0,
      headers: {},
    };
  }
  return {
    code: error.code,
    message: error.message,
    param: error.param ?? '',
    internal: (error.internal ?? causeOf(error)).slice(0, INTERNAL_CHARACTERS_MAX),
    retryAfterMs: wholeMs(error.retryAfterMs),
    headers: { ...error.headers },
  };
}

/** Exact as far as whole numbers are; only a provider says more. */
function wholeMs(retryAfterMs = 0): number {
  if (Number.isNaN(retryAfterMs) || retryAfterMs <= 0) return 0;
  return Math.min(Math.ceil(retryAfterMs), Number.MAX_SAFE_INTEGER);
}

function causeOf(error: TollgateError): string {
  return error.cause === undefined ? '' : describe(error.cause);
}

function describe(error: unknown): string {
  if (error instanceof Error) return error.stack ?? `${error.name}: ${error.message}`;
  return typeof error === 'string' ? error : `thrown value of type ${typeof error}`;
}
