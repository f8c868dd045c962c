/** What can be read of a provider's `error` object, whatever else it holds. */
export interface ProviderError {
  code: string;
  type: string;
  param: string;
  /** As the object itself says it; 0 when it does not. */
  status: number;
}

const codeCharactersMax = 64;

/** Codes and types that providers put into the error events of streams that began with a 200. */
const statusByName: Readonly<Record<string, number>> = {
  rate_limit_exceeded: 429,
  rate_limit_error: 429,
  ratelimitreached: 429,
  too_many_requests: 429,
  insufficient_quota: 429,
  requests: 429,
  tokens: 429,
  server_is_overloaded: 503,
  slow_down: 503,
  service_unavailable: 503,
  serviceunavailable: 503,
  overloaded_error: 529,
  timeout_error: 504,
  api_error: 500,
  billing_error: 402,
  not_found_error: 404,
  request_too_large: 413,
  timeout: 504,
  server_error: 500,
  internal_error: 500,
  authentication_error: 401,
  invalid_api_key: 401,
  permission_error: 403,
  deploymentnotfound: 404,
  model_not_found: 404,
  content_filter: 400,
  invalid_prompt: 400,
  context_length_exceeded: 400,
  invalid_request_error: 400,
};

/** Reads an `error` object as providers write it; anything else reads as an error that says nothing. */
export function readProviderError(value: unknown): ProviderError {
  const error = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;
  return {
    code: name(error.code),
    type: name(error.type),
    param: name(error.param),
    status: wholeStatus(error.status),
  };
}

/** The HTTP status that an error inside a 200 stands for; 500 when nothing tells. */
export function statusOfError({ code, type, status }: ProviderError): number {
  return status || wholeStatus(code) || statusByName[code.toLowerCase()] || statusByName[type.toLowerCase()] || 500;
}

function name(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value).slice(0, codeCharactersMax) : '';
}

function wholeStatus(value: unknown): number {
  const status = Number(value);
  return Number.isInteger(status) && status >= 400 && status <= 599 ? status : 0;
}
