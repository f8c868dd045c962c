import { createHash } from 'node:crypto';
import { type ConfigSnapshot, isWithin, type ModelRotation, modelOf, servesSurface } from '@tollgate/config';
import { Surface, type Target } from '@tollgate/contracts';

/** What a provider lets pass in a minute, by the configuration; 0 = nobody said. */
export interface Quota {
  /** Requests. */
  rpm: number;
  /** Tokens. */
  tpm: number;
}

/** A rotation as one team meets it on one surface: worked out once a revision. */
export interface Plan {
  strategy: ModelRotation['strategy'];
  /** In the order of the list; those outside of the team's regions, or that do not serve the surface, are not there. */
  targets: readonly Target[];
  /** How they are called in the store. */
  ids: readonly string[];
  /** Parts of the turns, of strategy weighted; else empty. */
  weights: readonly number[];
  /** Undefined: no target has one. */
  quotas: readonly Quota[] | undefined;
  /** Tells its turns from those of other lists of the same proxy; empty for the whole list taking plain turns. */
  list: string;
  /** Targets tried for one request at most. */
  attemptsMax: number;
}

/** By rotation, gone with its snapshot; inside by the surface and the regions of the team. */
const plans = new WeakMap<ModelRotation, Map<string, Plan>>();

/**
 * @param targets all of the rotation, in the order of its list
 * @param regions of the team; undefined = anywhere
 * @param surface that is asked on
 */
export function planOf(
  snapshot: ConfigSnapshot,
  rotation: ModelRotation,
  targets: readonly Target[],
  regions: readonly string[] | undefined,
  surface: Surface = Surface.UNSPECIFIED,
): Plan {
  const known = plans.get(rotation) ?? new Map<string, Plan>();
  const name = `${surface} ${regions?.join() ?? ''}`;
  const found = known.get(name);
  if (found !== undefined) return found;
  const fits = (target: Target) => isWithin(regions, target) && servesSurface(snapshot, target, surface);
  const plan = makePlan(snapshot, rotation, targets, fits);
  plans.set(rotation, known.set(name, plan));
  return plan;
}

/** Of a model that was asked for by name: nothing but its quota has a say. Undefined when it has none. */
export function namedPlan(snapshot: ConfigSnapshot, target: Target): Plan | undefined {
  const quotas = quotasOf(snapshot, [target]);
  if (quotas === undefined) return undefined;
  const ids = [targetId(target)];
  return { strategy: 'priority', targets: [target], ids, weights: [], quotas, list: '', attemptsMax: 1 };
}

/**
 * Of what a request is bound to: in the order in which they are wanted, counted and told of as for whoever chooses among them.
 * @param rotation undefined: its model was asked for by name
 */
export function boundPlan(
  snapshot: ConfigSnapshot,
  rotation: ModelRotation | undefined,
  wanted: readonly Target[],
): Plan {
  const { strategy = 'priority', attempts: attemptsMax = 1 } = rotation ?? {};
  const quotas = quotasOf(snapshot, wanted);
  const targets = rotation ? wanted.map((target, at) => withTelling(target, strategy, quotas?.[at])) : wanted;
  return { strategy, targets, ids: wanted.map(targetId), weights: [], quotas, list: '', attemptsMax };
}

/** How a target is called in the store. */
export function targetId({ provider, model }: Pick<Target, 'provider' | 'model'>): string {
  return `${provider}/${model}`;
}

/** What the provider of a target lets pass; undefined when nobody said or this revision does not have it. */
export function quotaOf(snapshot: ConfigSnapshot, target: Pick<Target, 'provider' | 'model'>): Quota | undefined {
  const { rpm = 0, tpm = 0 } = modelOf(snapshot, target) ?? {};
  return rpm > 0 || tpm > 0 ? { rpm, tpm } : undefined;
}

function makePlan(
  snapshot: ConfigSnapshot,
  rotation: ModelRotation,
  all: readonly Target[],
  fits: (target: Target) => boolean,
): Plan {
  const { strategy, attempts, models } = rotation;
  const positions = [...all.keys()].filter((position) => fits(all[position] as Target));
  const inside = positions.map((position) => all[position] as Target);
  const quotas = quotasOf(snapshot, inside);
  const targets = inside.map((target, at) => withTelling(target, strategy, quotas?.[at]));
  const ids = inside.map(targetId);
  const weights = strategy === 'weighted' ? positions.map((position) => models[position]?.weight ?? 1) : [];
  const whole = inside.length === all.length && strategy !== 'weighted';
  return {
    strategy,
    targets,
    ids,
    weights,
    quotas,
    list: whole ? '' : digest([...ids, ...weights]),
    attemptsMax: attempts,
  };
}

/** Whoever calls the target says what the router cannot know: that it was tried as failover, and what came of it. */
function withTelling(target: Target, strategy: Plan['strategy'], quota: Quota | undefined): Target {
  const tellEnd = strategy === 'least-busy' || strategy === 'least-latency';
  const tellStart = strategy === 'least-busy' || (quota !== undefined && (quota.rpm > 0 || quota.tpm > 0));
  return { ...target, ...(tellStart && { tellStart }), ...(tellEnd && { tellEnd }) };
}

function quotasOf(snapshot: ConfigSnapshot, targets: readonly Target[]): Quota[] | undefined {
  const quotas = targets.map((target) => quotaOf(snapshot, target));
  return quotas.every((quota) => quota === undefined) ? undefined : quotas.map((quota) => quota ?? { rpm: 0, tpm: 0 });
}

/** A name of a list, short enough for a key. */
function digest(parts: readonly (string | number)[]): string {
  return createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, 12);
}
