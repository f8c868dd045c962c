import type { ProviderError } from '../azure/errors.ts';

/** An answer that Anthropic gives instead of a message; texts are those of the real API (docs, "Errors"). */
function refusal(status: number, type: string, message: string): ProviderError {
  const body = { type: 'error', error: { type, message } };
  return { status, body };
}

export function invalidRequest(message: string): ProviderError {
  return refusal(400, 'invalid_request_error', message);
}

export function invalidJson(): ProviderError {
  return invalidRequest('The request body is not valid JSON: expected value at line 1 column 1');
}

export function extraInput(name: string): ProviderError {
  return invalidRequest(`${name}: Extra inputs are not permitted`);
}

export function missing(name: string): ProviderError {
  return invalidRequest(`${name}: Field required`);
}

export function modelNotFound(model: string): ProviderError {
  return refusal(404, 'not_found_error', `model: ${model}`);
}

export function notFound(): ProviderError {
  return refusal(404, 'not_found_error', 'Not found');
}

export function requestTooLarge(): ProviderError {
  return refusal(413, 'request_too_large', 'Request exceeds the maximum size');
}

export function keyMissing(): ProviderError {
  return refusal(401, 'authentication_error', 'x-api-key header is required');
}

export function keyInvalid(): ProviderError {
  return refusal(401, 'authentication_error', 'invalid x-api-key');
}

export function rateLimited(limit: 'requests' | 'tokens'): ProviderError {
  const what = limit === 'requests' ? 'number of requests' : 'number of input tokens';
  const message = `This request would exceed your organization's rate limit for the ${what} per minute. For details, refer to: https://docs.claude.com/en/api/rate-limits. Please reduce the prompt length or the maximum tokens requested, or try again later.`;
  return refusal(429, 'rate_limit_error', message);
}

/** Whose type and text say more than the status. */
const BY_STATUS: Readonly<Record<number, () => ProviderError>> = {
  401: keyInvalid,
  402: () => refusal(402, 'billing_error', 'There is an issue with your billing or payment information.'),
  403: () => refusal(403, 'permission_error', 'Your API key does not have permission to use the specified resource.'),
  404: notFound,
  413: requestTooLarge,
  429: () => rateLimited('requests'),
  504: () => refusal(504, 'timeout_error', 'The request timed out while processing.'),
  529: () => refusal(529, 'overloaded_error', 'Overloaded'),
};

/** The usual error of a status that a fault asked for without giving a body of its own. */
export function errorForStatus(status: number): ProviderError {
  const known = BY_STATUS[status]?.();
  if (known) return known;
  return status >= 500
    ? refusal(status, 'api_error', 'Internal server error')
    : refusal(status, 'invalid_request_error', 'The request was refused by a fault of the simulator.');
}
