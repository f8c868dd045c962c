import { promptResults } from './filters.ts';

/** An answer that Azure gives instead of a completion. Texts and codes are those that its users report. */
export interface ProviderError {
  status: number;
  body: { error: Record<string, unknown> };
  headers?: Record<string, string>;
}

function gatewayError(status: number, code: string, message: string): ProviderError {
  return { status, body: { error: { code, message } } };
}

function modelError(status: number, message: string, type: string, param: string | null, code: string | null) {
  return { status, body: { error: { message, type, param, code } } } satisfies ProviderError;
}

export function invalidKey(): ProviderError {
  return gatewayError(
    401,
    '401',
    'Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for an active subscription and use a correct regional API endpoint for your resource.',
  );
}

/** Instead of a key: no token of Microsoft Entra, or not one for this resource at this time. */
export function invalidToken(): ProviderError {
  return gatewayError(
    401,
    '401',
    'Unauthorized. Access token is missing, invalid, audience is incorrect (https://cognitiveservices.azure.com), or have expired.',
  );
}

/** Wrong path, wrong method, or no `api-version` on a classic path. */
export function resourceNotFound(): ProviderError {
  return gatewayError(404, '404', 'Resource not found');
}

export function deploymentNotFound(): ProviderError {
  return gatewayError(
    404,
    'DeploymentNotFound',
    'The API deployment for this resource does not exist. If you created the deployment within the last 5 minutes, please wait a moment and try again.',
  );
}

export function operationNotSupported(operation: string, model: string): ProviderError {
  return gatewayError(
    400,
    'OperationNotSupported',
    `The ${operation} operation does not work with the specified model, ${model}. Please choose different model and try again. You can learn more about which models can be used with each operation here: https://go.microsoft.com/fwlink/?linkid=2197993.`,
  );
}

export function badRequest(message: string): ProviderError {
  return gatewayError(400, 'BadRequest', message);
}

export function bodyTooLarge(): ProviderError {
  return gatewayError(413, 'RequestEntityTooLarge', 'The request body is too large.');
}

export function invalidJson(): ProviderError {
  const message =
    'We could not parse the JSON body of your request. (HINT: This likely means you aren’t using your HTTP library correctly. The OpenAI API expects a JSON payload, but what was sent was not valid JSON.)';
  return modelError(400, message, 'invalid_request_error', null, null);
}

export function invalidParameter(message: string, param: string | null, code: string | null): ProviderError {
  return modelError(400, message, 'invalid_request_error', param, code);
}

/** What an item of a Responses call refers to and no stored response has. */
export function itemNotFound(id: string): ProviderError {
  const message = `Item with id '${id}' not found. Items are not persisted when \`store\` is set to false. Try again with \`store\` set to true, or remove this item from your input.`;
  return modelError(404, message, 'invalid_request_error', 'input', null);
}

export function missingParameter(name: string): ProviderError {
  return invalidParameter(`Missing required parameter: '${name}'.`, name, 'missing_required_parameter');
}

/** A prompt that the filter stopped: JSON with status 400, for streams too. */
export function promptFiltered(): ProviderError {
  return {
    status: 400,
    body: {
      error: {
        message:
          "The response was filtered due to the prompt triggering Azure OpenAI's content management policy. Please modify your prompt and retry. To learn more about our content filtering policies please read our documentation: https://go.microsoft.com/fwlink/?linkid=2198766",
        type: null,
        param: 'prompt',
        code: 'content_filter',
        status: 400,
        innererror: { code: 'ResponsibleAIPolicyViolation', content_filter_result: promptResults(true) },
      },
    },
  };
}

export interface RateLimitFacts {
  deployment: string;
  baseModel: string;
  region: string;
  /** As in Azure's operation names: `ChatCompletions_Create`. */
  operation: string;
  /** Undefined on the v1 paths. */
  apiVersion: string | undefined;
  limit: 'token' | 'call';
  retryAfterSeconds: number;
}

export function rateLimited(facts: RateLimitFacts): ProviderError {
  const api =
    facts.apiVersion === undefined
      ? 'OpenAI Language Model Instance API'
      : `Azure OpenAI API version ${facts.apiVersion}`;
  const message = `Your requests to ${facts.deployment} for ${facts.baseModel} in ${facts.region} have exceeded the ${facts.limit} rate limit for your current AIServices S0 pricing tier. This request was for ${facts.operation} under ${api}. Please retry after ${facts.retryAfterSeconds} seconds. To increase your default rate limit, visit: https://aka.ms/oai/quotaincrease.`;
  return gatewayError(429, 'RateLimitReached', message);
}

/** The usual body of a status that a fault asked for without giving a body of its own. */
export function errorForStatus(status: number, facts: RateLimitFacts): ProviderError {
  switch (status) {
    case 401:
      return invalidKey();
    case 403:
      return gatewayError(403, '403', 'Access denied due to Virtual Network/Firewall rules.');
    case 404:
      return deploymentNotFound();
    case 408:
      return gatewayError(408, 'Timeout', 'The operation was timeout.');
    case 429:
      return rateLimited(facts);
    case 503:
      return gatewayError(503, 'ServiceUnavailable', 'The service is temporarily unable to process your request.');
  }
  if (status >= 500) {
    const message = 'The server had an error while processing your request. Sorry about that!';
    return modelError(status, message, 'server_error', null, null);
  }
  return modelError(
    status,
    'The request was refused by a fault of the simulator.',
    'invalid_request_error',
    null,
    null,
  );
}
