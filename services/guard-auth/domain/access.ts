import type { ConfigSnapshot, KeyRecord, ProxySettings, ResolvedModel } from '@tollgate/config';
import { teamById } from '@tollgate/config';

/**
 * What a usable key may not do, as public text; undefined when it may.
 * @param resolved what the asked model stands for on this proxy; undefined when no model is to work
 */
export function denial(
  snapshot: ConfigSnapshot,
  record: KeyRecord,
  proxy: ProxySettings,
  asked: string,
  resolved: ResolvedModel | undefined,
): string | undefined {
  const owner = teamById(snapshot, record.teamId);
  // Fails closed: without its team nobody knows the key's limits.
  if (record.organizationId !== snapshot.organization.id || owner === undefined) {
    return "This API key's team does not exist any more.";
  }
  if (owner.project.name !== proxy.project) return 'This API key belongs to another project than this proxy.';
  if (record.proxies && !record.proxies.includes(proxy.id)) return 'This API key may not use this proxy.';
  if (record.models && resolved) return modelDenial(record.models, asked, resolved);
  return undefined;
}

/** In a rotation each model may be the next, so a key needs all of them. */
function modelDenial(allowed: string[], asked: string, resolved: ResolvedModel): string | undefined {
  if (resolved.kind === 'rotation') {
    const missing = resolved.targets.find((target) => !allowed.includes(target.model));
    return missing && `This API key may not use the model ${missing.model}, which this proxy's rotation may choose.`;
  }
  const model = resolved.kind === 'named' ? resolved.target.model : asked;
  return allowed.includes(model) ? undefined : `This API key may not use the model ${model}.`;
}
