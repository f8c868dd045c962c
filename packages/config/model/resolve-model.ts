import { Surface, type Target } from '@tollgate/contracts';
import { providerByName } from './lookup.ts';
import type { ConfigSnapshot, Model, ModelRotation, ProxySettings } from './snapshot.ts';
import { servesSurface } from './surfaces.ts';

export type ResolvedModel =
  /** The next of these in rotation, in the order of the configured list. */
  | { kind: 'rotation'; targets: Target[] }
  | { kind: 'named'; target: Target }
  /** `elsewhere`: there is one, but on this surface nobody answers for it. */
  | { kind: 'unknown'; elsewhere?: true };

/**
 * Which targets may serve what a caller asked for. None, or one in the rotation's list: the rotation. Offered by the
 * proxy's provider but outside the list: as named. Any other: unknown, unless the rotation overrides.
 * @param asked the model of the path, else of the body; empty = none
 * @param surface targets whose provider does not serve it are left out
 */
export function resolveModel(
  snapshot: ConfigSnapshot,
  proxy: ProxySettings,
  asked: string,
  surface: Surface = Surface.UNSPECIFIED,
): ResolvedModel {
  const resolved = offered(snapshot, proxy, asked);
  if (resolved.kind === 'unknown') return resolved;
  const all = resolved.kind === 'rotation' ? resolved.targets : [resolved.target];
  const targets = all.filter((target) => servesSurface(snapshot, target, surface));
  if (targets.length === 0) return { kind: 'unknown', elsewhere: true };
  return targets.length === all.length ? resolved : { kind: 'rotation', targets };
}

function offered(snapshot: ConfigSnapshot, proxy: ProxySettings, asked: string): ResolvedModel {
  const rotation = rotationOf(proxy);
  if (rotation !== undefined && (asked === '' || rotation.models.some(({ model }) => model === asked))) {
    return { kind: 'rotation', targets: rotationTargets(snapshot, rotation) };
  }
  const target = asked === '' ? undefined : findTarget(snapshot, proxy.provider, asked);
  if (target !== undefined) return { kind: 'named', target };
  if (rotation?.override) return { kind: 'rotation', targets: rotationTargets(snapshot, rotation) };
  return { kind: 'unknown' };
}

export function rotationOf(proxy: ProxySettings): ModelRotation | undefined {
  return proxy.guardrails.find((guardrail) => guardrail.kind === 'modelRotation');
}

/** A model of a provider as a target, not a probe. */
export function findTarget(snapshot: ConfigSnapshot, provider: string, model: string): Target | undefined {
  const found = providerByName(snapshot, provider)?.models.find(({ name }) => name === model);
  return found && toTarget(provider, found);
}

/** The configured model behind a target; undefined when this revision does not have it. */
export function modelOf(
  snapshot: ConfigSnapshot,
  { provider, model }: Pick<Target, 'provider' | 'model'>,
): Model | undefined {
  return providerByName(snapshot, provider)?.models.find(({ name }) => name === model);
}

/**
 * Where a team's requests may go, as its project wants it.
 * @param regions of the team; undefined = anywhere
 * @returns false for a target without a region, too: nobody knows where that is
 */
export function isWithin(regions: readonly string[] | undefined, { region = '' }: Pick<Model, 'region'>): boolean {
  return regions === undefined || regions.includes(region);
}

/**
 * Names that callers of this proxy may say, each with the provider that serves it (of a rotation over several, the first):
 * the rotation's first, then the proxy's provider's others.
 * @param regions of the caller's team; a rotation is there with all its names when any of its models is within
 */
export function offeredModels(
  snapshot: ConfigSnapshot,
  proxy: ProxySettings,
  regions?: readonly string[],
): Map<string, string> {
  const offered = new Map<string, string>();
  const rotation = rotationOf(proxy);
  if (rotation && rotationTargets(snapshot, rotation).some((target) => isWithin(regions, target))) {
    for (const { model, provider } of rotation.models) if (!offered.has(model)) offered.set(model, provider);
  }
  const inRotation = new Set(rotation?.models.map(({ model }) => model));
  for (const model of providerByName(snapshot, proxy.provider)?.models ?? []) {
    if (!inRotation.has(model.name) && isWithin(regions, model)) offered.set(model.name, proxy.provider);
  }
  return offered;
}

function rotationTargets(snapshot: ConfigSnapshot, rotation: ModelRotation): Target[] {
  return rotation.models.map(({ provider, model }) => {
    const target = findTarget(snapshot, provider, model);
    if (target === undefined) throw new Error(`revision ${snapshot.revision}: no ${model} at provider ${provider}`);
    return target;
  });
}

function toTarget(provider: string, model: Model): Target {
  return {
    provider,
    model: model.name,
    deployment: model.deployment,
    baseModel: model.baseModel,
    region: model.region ?? '',
    probe: false,
  };
}
