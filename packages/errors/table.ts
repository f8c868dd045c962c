/** What a caller is told about one kind of failure. */
export interface ErrorRow {
  /** HTTP status; 499 stands in the ledger only, its caller is gone. */
  status: number;
  /** OpenAI's `error.type`, which clients branch on. */
  type: ErrorType;
  /** The same request may succeed later without any change. */
  retryable: boolean;
  /** Public text where the thrower has nothing more exact to say. */
  message: string;
}

export type ErrorType =
  | 'invalid_request_error'
  | 'authentication_error'
  | 'permission_error'
  | 'rate_limit_error'
  | 'insufficient_quota'
  | 'server_error';

/**
 * Every error that Tollgate itself gives. docs/errors.md documents each row, and a test holds both together.
 * A provider's own 400, 413 and 422 pass with the provider's body and are not rows here.
 */
export const errorTable = {
  invalid_json: row(400, 'invalid_request_error', false, 'The request body is not valid JSON.'),
  invalid_request: row(400, 'invalid_request_error', false, 'The request is not valid.'),
  guardrail_intervened: row(400, 'invalid_request_error', false, 'A guardrail refused this request.'),
  idempotency_mismatch: row(
    400,
    'invalid_request_error',
    false,
    'This idempotency key was used with another body before; use a new key.',
  ),
  idempotency_not_kept: row(
    400,
    'invalid_request_error',
    false,
    'The request with this idempotency key was answered and charged, and its answer is too large to be kept; use a new key to ask again.',
  ),
  previous_response_not_found: row(
    400,
    'invalid_request_error',
    false,
    'The previous response was not found for this team.',
  ),
  // One text for missing, unknown, expired and revoked keys: a difference would tell which keys exist.
  invalid_api_key: row(
    401,
    'authentication_error',
    false,
    'The API key is missing or not valid. Send it as X-API-Key, api-key or Authorization: Bearer.',
  ),
  access_denied: row(403, 'permission_error', false, 'This API key has no access to what was asked for.'),
  not_found: row(404, 'invalid_request_error', false, 'There is nothing at this path.'),
  model_not_found: row(404, 'invalid_request_error', false, 'This model does not exist here.'),
  cache_miss: row(404, 'invalid_request_error', false, 'only-if-cached was asked for and there is no cached answer.'),
  method_not_allowed: row(405, 'invalid_request_error', false, 'This method is not allowed here.'),
  request_timeout: row(408, 'invalid_request_error', true, 'The request did not arrive completely in time.'),
  conflict: row(409, 'invalid_request_error', false, 'The configuration was changed meanwhile; read it again.'),
  body_too_large: row(413, 'invalid_request_error', false, 'The request body is too large.'),
  request_exceeds_limit: row(
    413,
    'invalid_request_error',
    false,
    'This request alone is larger than its whole limit and can never be served.',
  ),
  unsupported_encoding: row(
    415,
    'invalid_request_error',
    false,
    'The body is compressed; send it without Content-Encoding.',
  ),
  upgrade_required: row(
    426,
    'invalid_request_error',
    false,
    'WebSocket is not spoken here; send the request over HTTP, where an answer can be streamed too.',
  ),
  rate_limit_exceeded: row(429, 'rate_limit_error', true, 'Rate limit exceeded.'),
  budget_exceeded: row(429, 'insufficient_quota', false, 'The budget is spent.'),
  concurrency_exceeded: row(429, 'rate_limit_error', true, 'Too many requests are running at the same time.'),
  upstream_rate_limited: row(429, 'rate_limit_error', true, 'The provider limits the rate of every model tried.'),
  headers_too_large: row(431, 'invalid_request_error', false, 'The request headers are too large.'),
  client_closed_request: row(499, 'invalid_request_error', false, 'The caller closed the connection.'),
  internal_error: row(500, 'server_error', true, 'Something went wrong inside the gateway.'),
  upstream_error: row(502, 'server_error', true, 'The provider failed to answer.'),
  upstream_misconfigured: row(
    502,
    'server_error',
    false,
    "The provider refused the gateway's credential or does not know the deployment; its operator must mend this.",
  ),
  gateway_interrupted: row(502, 'server_error', true, 'The gateway was interrupted while answering.'),
  all_models_suspended: row(503, 'server_error', true, 'All models are currently unavailable'),
  store_unavailable: row(503, 'server_error', true, 'A store that this request needs is unavailable.'),
  limit_unproven: row(503, 'server_error', true, 'A limit on this request is not proven to work.'),
  bus_unavailable: row(503, 'server_error', true, 'The message bus is unavailable.'),
  guard_unavailable: row(503, 'server_error', true, 'A guard that this request needs is unavailable.'),
  overloaded: row(503, 'server_error', true, 'The gateway is overloaded.'),
  upstream_timeout: row(504, 'server_error', true, 'The provider did not answer in time.'),
} as const satisfies Record<string, ErrorRow>;

export type ErrorCode = keyof typeof errorTable;

export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(errorTable, code);
}

function row(status: number, type: ErrorType, retryable: boolean, message: string): ErrorRow {
  return { status, type, retryable, message };
}
