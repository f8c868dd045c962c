import type { ErrorDetail } from '@tollgate/contracts';
import { anthropicErrorBody } from './anthropic.ts';
import { resolve } from './resolve.ts';

/** OpenAI's shape; the same object stands in the error events of broken streams. */
export interface ErrorBody {
  error: { message: string; type: string; code: string; param: string | null; request_id: string };
}

export interface RenderedError {
  status: number;
  /** Names in lower case. */
  headers: Record<string, string>;
  /** JSON text. */
  body: string;
}

/** What a 429 or 503 tells a caller when nobody knew better: clients without a hint repeat at once. */
const RETRY_AFTER_MS_DEFAULT = 1000;

/** Beyond it clients are told not to wait: openai 6 would sleep the whole Retry-After. */
const RETRY_WAIT_MS_MAX = 60_000;

export function errorBody(detail: ErrorDetail, requestId: string): ErrorBody {
  const known = resolve(detail);
  return {
    error: {
      message: known.message,
      type: known.row.type,
      code: known.code,
      param: detail.param === '' ? null : detail.param,
      request_id: requestId,
    },
  };
}

/** Whose clients read the error. */
export type ErrorShape = 'openai' | 'anthropic';

/** The one place where an error becomes HTTP. A code without a row (a newer replica's) is answered as `internal_error`. */
export function renderError(detail: ErrorDetail, requestId: string, shape: ErrorShape = 'openai'): RenderedError {
  const { row } = resolve(detail);
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(detail.headers)) headers[name.toLowerCase()] = value;
  headers['content-type'] = 'application/json';
  headers['x-request-id'] = requestId;
  const waits = row.status === 429 || row.status === 503;
  const retryAfterMs = detail.retryAfterMs > 0 ? detail.retryAfterMs : waits ? RETRY_AFTER_MS_DEFAULT : 0;
  if (retryAfterMs > 0) {
    headers['retry-after'] = String(Math.ceil(retryAfterMs / 1000));
    headers['retry-after-ms'] = String(Math.ceil(retryAfterMs));
  }
  if (retryAfterMs > RETRY_WAIT_MS_MAX || row.type === 'insufficient_quota') headers['x-should-retry'] = 'false';
  const body = shape === 'anthropic' ? anthropicErrorBody(detail, requestId) : errorBody(detail, requestId);
  // Anthropic's clients take the id of a request from a header of another name.
  if (shape === 'anthropic') headers['request-id'] = requestId;
  return { status: row.status, headers, body: JSON.stringify(body) };
}
