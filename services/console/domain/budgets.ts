import type { ConfigSnapshot } from '@tollgate/config';
import type { BudgetCounter } from '@tollgate/contracts';

/** One limit as it stands; amounts in units of the quantity, of cost nano-dollars. */
export interface Budget {
  /** organization | project | team */
  scope: string;
  /** The organization's or project's name; of a team `project.team`. */
  of: string;
  quantity: string;
  /** As configured, with `rolling-` before it where it rolls; empty for concurrency. */
  window: string;
  /** hard | strict | soft | shadow */
  mode: string;
  /** That it counts; empty = all. */
  models: string[];
  /** Of a team's keys, by name, that it counts; empty = all. */
  keys: string[];
  limit: number;
  /** By settled requests. */
  spent: number;
  /** By requests that run. */
  reserved: number;
  /** At least 0: a limit that refuses nobody, or that an estimate passed, may be overdrawn. */
  remaining: number;
  /** When the window begins anew. Absent: it rolls, or it counts what runs. */
  resetsAtMs?: number;
}

const isRolling = ({ window }: BudgetCounter) => window.startsWith('rolling-');

/**
 * What limits have spent and reserved, as guard-auth holds it: a rolling window is the sum of its parts.
 * @param teamId only what binds this team's requests: its own limits, its project's and the organization's
 */
export function toBudgets(counters: readonly BudgetCounter[], snapshot: ConfigSnapshot, teamId?: string): Budget[] {
  const nameOf = namesIn(snapshot, teamId);
  const windows = new Map<string, BudgetCounter>();
  for (const counter of counters) {
    const { scope, scopeId, quantity, window, selector } = counter;
    const key = [scope, scopeId, quantity, window, selector, isRolling(counter) ? '' : counter.windowStartMs].join(' ');
    const known = windows.get(key);
    if (!known) {
      windows.set(key, { ...counter });
      continue;
    }
    known.spent += counter.spent;
    known.reserved += counter.reserved;
  }
  return [...windows.values()].flatMap((counter) => {
    const { scope, scopeId, quantity, models, keys, spent, reserved, windowEndMs } = counter;
    const of = nameOf(scope, scopeId);
    if (of === undefined) return [];
    const slots = quantity === 'concurrency';
    return counter.limits.map(({ amount, mode }) => ({
      ...{
        scope,
        of,
        quantity,
        window: slots ? '' : counter.window,
        mode,
        models,
        keys,
        limit: amount,
        spent,
        reserved,
      },
      remaining: Math.max(0, amount - spent - reserved),
      ...(!slots && !isRolling(counter) && { resetsAtMs: windowEndMs }),
    }));
  });
}

/** Undefined for what a newer or older configuration had, and for what does not bind the team. */
function namesIn({ organization, projects }: ConfigSnapshot, teamId: string | undefined) {
  const names = new Map([[`organization ${organization.id}`, organization.name]]);
  for (const project of projects) {
    if (teamId !== undefined && !project.teams.some(({ id }) => id === teamId)) continue;
    names.set(`project ${project.id}`, project.name);
    for (const { id } of project.teams) if (teamId === undefined || id === teamId) names.set(`team ${id}`, id);
  }
  return (scope: string, scopeId: string) => names.get(`${scope} ${scopeId}`);
}
