import { type ConfigSnapshot, proxyById } from '@tollgate/config';
import { TollgateError } from '@tollgate/errors';
import { entityNames, type Kind } from './span.ts';

/** All that this build masks by. A setting that it does not know might ask for more: then it does not decide. */
const known = new Set(['kind', 'onError', 'entities']);

/**
 * What the proxy wants masked.
 * @throws TollgateError `guard_unavailable` when that revision has no PII masking at this place, or one that this build
 *   does not understand
 */
export function piiKinds(snapshot: ConfigSnapshot, proxyId: string, guardrail: number): ReadonlySet<Kind> {
  const settings = proxyById(snapshot, proxyId)?.guardrails[guardrail];
  const place = `at ${guardrail} of proxy ${proxyId} in revision ${snapshot.revision}`;
  if (settings?.kind !== 'piiMasking') throw cannot(`no piiMasking ${place}`);
  const strange = Object.keys(settings).find((name) => !known.has(name));
  if (strange !== undefined) throw cannot(`setting "${strange}" ${place} is not known to this build`);
  const entity = settings.entities.find((name) => !(name in entityNames));
  if (entity !== undefined) throw cannot(`entity "${entity}" ${place} is not known to this build`);
  return new Set(settings.entities);
}

function cannot(internal: string): TollgateError {
  return new TollgateError('guard_unavailable', { internal, retryAfterMs: 1000 });
}
