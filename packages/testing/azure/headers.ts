import { randomUUID } from 'node:crypto';
import type { Deployment } from './deployments.ts';
import type { FaultSpec } from './faults.ts';
import type { QuotaState } from './quota.ts';

/** Azure's display name of the region that the simulator plays. */
export const REGION = 'Sweden Central';
const MODEL_SESSION = 'd20250301120000-0b1c2d3e4f50';

/** The headers that Azure puts on every answer of a model, refused ones included. */
export function providerHeaders(clientRequestId: string | undefined): Record<string, string> {
  const requestId = randomUUID();
  return {
    'apim-request-id': requestId,
    'strict-transport-security': 'max-age=31536000; includeSubDomains; preload',
    'x-content-type-options': 'nosniff',
    'x-ms-client-request-id': clientRequestId ?? requestId,
    'x-ms-region': REGION,
    'x-request-id': randomUUID(),
  };
}

/** What comes on top when a deployment was reached. */
export function modelHeaders(deployment: Deployment, quota: QuotaState): Record<string, string> {
  return {
    'azureml-model-session': MODEL_SESSION,
    'x-accel-buffering': 'no',
    'x-ms-deployment-name': deployment.name,
    'x-ms-rai-invoked': 'true',
    'x-ratelimit-limit-requests': String(quota.requestsLimit),
    'x-ratelimit-limit-tokens': String(quota.tokensLimit),
    'x-ratelimit-remaining-requests': String(quota.requestsLeft),
    'x-ratelimit-remaining-tokens': String(quota.tokensLeft),
  };
}

/** The headers of a 429 that comes from the deployment's own limit. */
export function exhaustedHeaders(limit: 'token' | 'call', retryAfterMs: number): Record<string, string> {
  const seconds = String(Math.ceil(retryAfterMs / 1000));
  return {
    'policy-id': limit === 'token' ? 'DeploymentRatelimit-Token' : 'DeploymentRatelimit-Call',
    'retry-after': seconds,
    'retry-after-ms': String(retryAfterMs),
    [limit === 'token' ? 'x-ratelimit-reset-tokens' : 'x-ratelimit-reset-requests']: seconds,
    [limit === 'token' ? 'x-ratelimit-remaining-tokens' : 'x-ratelimit-remaining-requests']: '0',
  };
}

/** The forms of Retry-After that a fault asks for, and its own headers. */
export function faultHeaders(fault: FaultSpec, now: number): Record<string, string> {
  const headers: Record<string, string> = {};
  if (fault.retryAfterSeconds !== undefined) headers['retry-after'] = String(fault.retryAfterSeconds);
  if (fault.retryAfterDateMs !== undefined)
    headers['retry-after'] = new Date(now + fault.retryAfterDateMs).toUTCString();
  if (fault.retryAfterMs !== undefined) headers['retry-after-ms'] = String(fault.retryAfterMs);
  return { ...headers, ...fault.headers };
}
