import type { ConfigSnapshot, KeyRecord } from '@tollgate/config';
import type { CounterState } from './charge.ts';
import { boundsAt } from './limit-windows.ts';
import { allLimits, bindsKey, bindsModels, type Caller, limitsOf, nameOfLimit, type ScopedLimit } from './limits.ts';
import { type Check, type Need, type Plan, passedBy, planCharges, refusalOf, refuses } from './plan.ts';
import { fullLevel, rateOf } from './rate.ts';

/** One limit, and an admission of one unit by a caller whom it must bind. */
export interface Probe {
  name: string;
  limit: ScopedLimit;
  plan: Plan;
  /** The limit's place in the plan; undefined: it binds nobody, though it is configured. */
  check: Check | undefined;
}

/** What a probe's admission was answered. */
export interface ProbeAnswer {
  outcome: string;
  counters: CounterState[];
}

/** One for each limit; a limit of a scope without teams has none, as nobody can be bound by it. */
export function* probesOf(snapshot: ConfigSnapshot, nowMs: number): Generator<Probe> {
  for (const limit of allLimits(snapshot)) {
    const teams = teamsUnder(snapshot, limit);
    // The counter is the same for all teams of a scope: one admission proves it, the others must only plan it.
    const [first, ...others] = teams.map((teamId) => probeOf(snapshot, limit, teamId, nowMs));
    if (first) yield others.find(({ check }) => check === undefined) ?? first;
  }
}

/** The counter of the probe's limit when it is used up. */
export function usedUp({ limit: { limit } }: Check): CounterState {
  const rate = rateOf(limit);
  if (rate) return { spent: 0, reserved: 0, rate: { level: fullLevel(rate), atMs: 0, passed: false } };
  return limit.quantity === 'concurrency' ? { spent: 0, reserved: limit.amount } : { spent: limit.amount, reserved: 0 };
}

/** Why these answers do not prove that the limit works; undefined: they do. */
export function faultOf({ plan, check }: Probe, empty?: ProbeAnswer, full?: ProbeAnswer): string | undefined {
  if (check === undefined || empty === undefined || full === undefined) return 'binds nobody';
  if (empty.outcome !== 'admitted') return 'refuses while nothing is used';
  const alone: Plan = { ...plan, checks: [check] };
  if (refuses(check.limit)) {
    return full.outcome === 'refused' && refusalOf(alone, full.counters)
      ? undefined
      : 'does not refuse when it is used up';
  }
  // A hard limit on the same counter that is no larger refuses first.
  const enforced = plan.charges[check.charge]?.limit ?? 0;
  const seen =
    enforced > check.limit.limit.amount
      ? full.outcome === 'admitted' && passedBy(alone, full.counters).length === 1
      : full.outcome === 'refused';
  return seen ? undefined : 'is passed unseen';
}

/** The first of these limits that is to refuse requests with this key for one of these models. */
export function bindingOf(
  limits: readonly ScopedLimit[],
  { projectId, teamId, name }: Pick<KeyRecord, 'projectId' | 'teamId' | 'name'>,
  models: readonly string[],
): ScopedLimit | undefined {
  return limits.find((limit) => {
    const { scope, scopeId } = limit;
    const bound = scope === 'organization' || scopeId === (scope === 'project' ? projectId : teamId);
    return bound && refuses(limit) && bindsModels(limit, models) && bindsKey(limit, name);
  });
}

function teamsUnder({ projects }: ConfigSnapshot, { scope, scopeId }: ScopedLimit): string[] {
  const under = projects.flatMap((project) =>
    project.teams.filter(
      (team) => scope === 'organization' || scopeId === (scope === 'project' ? project.id : team.id),
    ),
  );
  return under.map(({ id }) => id);
}

function probeOf(snapshot: ConfigSnapshot, probed: ScopedLimit, teamId: string, nowMs: number): Probe {
  const { limit, scope, scopeId } = probed;
  const [keyName = ''] = limit.keys ?? [];
  const binding = limitsOf(snapshot, teamId).filter(
    (each) => bindsModels(each, limit.models ?? []) && bindsKey(each, keyName),
  );
  const plan = planCharges(binding, needOf(probed), callerOf(probed), (each) => boundsAt(each, nowMs));
  const check = plan.checks.find(({ limit: each }) => each.limit === limit && each.scopeId === scopeId);
  return { name: `${nameOfLimit(probed)} of ${scope} ${scopeId}`, limit: probed, plan, check };
}

/** One unit of what the limit counts: the least that it must refuse. */
function needOf({ limit: { quantity } }: ScopedLimit): Need {
  const completion = quantity === 'completion_tokens' ? 1 : 0;
  return {
    ...{ promptTokens: 1 - completion, completionTokens: completion, guessed: false },
    ...{ costNanoUsd: 1, promptCostNanoUsd: 1 },
    bound: {
      ...{ promptTokens: 1 - completion, promptCostNanoUsd: 1, choices: completion, tokenCostNanoUsd: 0 },
      ...{ outputTokensMax: completion, outputTokensMin: completion },
    },
  };
}

/** A caller with a value for a limit that counts each apart. */
function callerOf({ limit: { per = '' } }: ScopedLimit): Caller {
  return { keyId: 'probe', user: 'probe', metadata: { [per.slice(per.indexOf('.') + 1)]: 'probe' } };
}
