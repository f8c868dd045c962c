import type { QuotaState } from '../azure/quota.ts';
import { newId } from './ids.ts';

const ORGANIZATION_ID = '8f0c1f7e-0000-4000-8000-5e1f00000001';

/** The headers of every answer, refused ones included. */
export function providerHeaders(requestId: string = newId('req_01')): Record<string, string> {
  return {
    'request-id': requestId,
    'anthropic-organization-id': ORGANIZATION_ID,
    'strict-transport-security': 'max-age=31536000; includeSubDomains; preload',
    'x-robots-tag': 'none',
    'cf-cache-status': 'DYNAMIC',
  };
}

/** What comes on top when a model was reached; times are RFC 3339 (docs, "Rate limits", response headers). */
export function limitHeaders(quota: QuotaState, nowMs: number): Record<string, string> {
  const reset = new Date(nowMs + quota.windowEndsInMs).toISOString().replace(/\.\d+Z$/, 'Z');
  const of = (kind: string, limit: number, left: number) => ({
    [`anthropic-ratelimit-${kind}-limit`]: String(limit),
    [`anthropic-ratelimit-${kind}-remaining`]: String(left),
    [`anthropic-ratelimit-${kind}-reset`]: reset,
  });
  return {
    ...of('requests', quota.requestsLimit, quota.requestsLeft),
    ...of('tokens', quota.tokensLimit, quota.tokensLeft),
    ...of('input-tokens', quota.tokensLimit, quota.tokensLeft),
    ...of('output-tokens', quota.tokensLimit, quota.tokensLeft),
  };
}
