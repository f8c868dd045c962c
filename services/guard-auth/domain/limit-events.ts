import { createHash } from 'node:crypto';
import { type ConfigSnapshot, teamById } from '@tollgate/config';
import type { LimitEvent } from '@tollgate/contracts';
import type { CounterState } from './charge.ts';
import type { ScopedLimit } from './limits.ts';
import type { Reached, Watch } from './threshold-watch.ts';

/** What nobody was told of yet, lowest first. */
export function thresholdEvents(
  { watch, counter, told }: Reached,
  snapshot: ConfigSnapshot,
  atMs: number,
): LimitEvent[] {
  return watch.thresholds
    .filter(({ percent, amount }) => percent > told && counter.spent >= amount)
    .map(({ percent }) => eventOf('threshold', percent, watch, counter, snapshot, atMs));
}

/** That a limit refuses what its window's counter has no room for. */
export function refusedEvent(
  of: Pick<Watch, 'limit' | 'counter'>,
  counter: CounterState,
  snapshot: ConfigSnapshot,
  atMs: number,
): LimitEvent {
  return eventOf('refused', 0, of, counter, snapshot, atMs);
}

function eventOf(
  kind: 'threshold' | 'refused',
  percent: number,
  { limit, counter }: Pick<Watch, 'limit' | 'counter'>,
  state: CounterState,
  snapshot: ConfigSnapshot,
  atMs: number,
): LimitEvent {
  const { scope, scopeId, scopeName } = limit;
  const { quantity, window, mode, amount, models = [], per = '', timeZone } = limit.limit;
  const { windowStartMs, windowEndMs, selector, value } = counter;
  const organizationId = snapshot.organization.id;
  const counted = [organizationId, scope, scopeId, quantity, window, windowStartMs, selector, value];
  return {
    id: idOf([...counted, mode, amount, kind, percent]),
    ...{ kind, atMs, organizationId, ...ownersOf(limit, snapshot) },
    ...{ scope, scopeId, scopeName, quantity, window, windowStartMs, windowEndMs, selector, value },
    ...{ mode, amount, models: [...models], per, timeZone, percent },
    ...{ spent: state.spent, reserved: state.reserved, revision: snapshot.revision },
  };
}

function ownersOf({ scope, scopeId, scopeName }: ScopedLimit, snapshot: ConfigSnapshot) {
  if (scope === 'project') return { projectId: scopeId, project: scopeName, teamId: '', team: '' };
  const owner = scope === 'team' ? teamById(snapshot, scopeId) : undefined;
  if (!owner) return { projectId: '', project: '', teamId: '', team: '' };
  return { projectId: owner.project.id, project: owner.project.name, teamId: owner.team.id, team: owner.team.name };
}

/** Part of a NATS subject, and what consumers tell repeats by: 128 bits. */
function idOf(parts: readonly (string | number)[]): string {
  return `lim_${createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32)}`;
}
