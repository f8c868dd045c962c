import { type ConfigSnapshot, proxyById } from '@tollgate/config';
import { TollgateError } from '@tollgate/errors';
import { entityNames, type Kind, type Mode } from './span.ts';

/** All that this build masks by. A setting that it does not know might ask for more: then it does not decide. */
const known = new Set(['kind', 'onError', 'entities', 'mode']);

const modes: ReadonlySet<string> = new Set<Mode>(['mask', 'redact', 'block']);

export interface PiiSettings {
  kinds: ReadonlySet<Kind>;
  mode: Mode;
}

/**
 * What the proxy wants found, and what happens to it.
 * @throws TollgateError `guard_unavailable` when that revision has no PII masking at this place, or one that this build
 *   does not understand
 */
export function piiSettings(snapshot: ConfigSnapshot, proxyId: string, guardrail: number): PiiSettings {
  const settings = proxyById(snapshot, proxyId)?.guardrails[guardrail];
  const place = `at ${guardrail} of proxy ${proxyId} in revision ${snapshot.revision}`;
  if (settings?.kind !== 'piiMasking') throw cannot(`no piiMasking ${place}`);
  const strange = Object.keys(settings).find((name) => !known.has(name));
  if (strange !== undefined) throw cannot(`setting "${strange}" ${place} is not known to this build`);
  const entity = settings.entities.find((name) => !(name in entityNames));
  if (entity !== undefined) throw cannot(`entity "${entity}" ${place} is not known to this build`);
  const { mode = 'mask' } = settings;
  if (!modes.has(mode)) throw cannot(`mode "${mode}" ${place} is not known to this build`);
  return { kinds: new Set(settings.entities), mode };
}

function cannot(internal: string): TollgateError {
  return new TollgateError('guard_unavailable', { internal, retryAfterMs: 1000 });
}
