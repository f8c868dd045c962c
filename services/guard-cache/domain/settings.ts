import { type ConfigSnapshot, proxyById, type SemanticCache } from '@tollgate/config';
import { TollgateError } from '@tollgate/errors';

/**
 * What the proxy says about its cache.
 *
 * @throws TollgateError `guard_unavailable` when that revision has no cache at this place
 */
export function cacheSettings(snapshot: ConfigSnapshot, proxyId: string, guardrail: number): SemanticCache {
  const settings = proxyById(snapshot, proxyId)?.guardrails[guardrail];
  if (settings?.kind === 'semanticCache') return settings;
  throw new TollgateError('guard_unavailable', {
    internal: `revision ${snapshot.revision} has no semanticCache at ${guardrail} of proxy ${proxyId}`,
  });
}
