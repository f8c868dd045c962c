import type { ErrorDetail } from '@tollgate/contracts';
import { resolve } from './resolve.ts';

/** Anthropic's shape; the same object is the data of an `error` event. */
export interface AnthropicErrorBody {
  type: 'error';
  /** `code` is ours: the row of the table. */
  error: { type: string; message: string; code: string };
  request_id: string;
}

/** As its API documents them ("Errors", HTTP errors); its clients choose their class by the status. */
const TYPES: Readonly<Record<number, string>> = {
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  503: 'overloaded_error',
  504: 'timeout_error',
};

/** What a caller of Anthropic's own surface is told. */
export function anthropicErrorBody(detail: ErrorDetail, requestId: string): AnthropicErrorBody {
  const { code, message, row } = resolve(detail);
  return { type: 'error', error: { type: typeOf(row.status), message, code }, request_id: requestId };
}

function typeOf(status: number): string {
  return TYPES[status] ?? (status >= 500 ? 'api_error' : 'invalid_request_error');
}
