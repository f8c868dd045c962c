import type { LimitEvent } from '@tollgate/contracts';
import type { LedgerClient } from './client.ts';
import { utc } from './row.ts';

/** One event of a limit, as table `limit_event_rows` takes it. */
export interface LimitEventRow {
  id: string;
  /** Sequence of the message in EVENTS. */
  stream_seq: number;
  /** UTC, as are the window's bounds. */
  at: string;
  kind: string;
  organization_id: string;
  project_id: string;
  project: string;
  team_id: string;
  team: string;
  scope: string;
  scope_id: string;
  quantity: string;
  window: string;
  window_start: string;
  window_end: string;
  mode: string;
  models: string[];
  per: string;
  value: string;
  amount: number;
  percent: number;
  spent: number;
  reserved: number;
  revision: number;
}

export function toLimitEventRow(event: LimitEvent, streamSeq: number): LimitEventRow {
  const { id, kind, quantity, window, mode, models, per, value, amount, percent, spent, reserved, revision } = event;
  return {
    ...{ id, stream_seq: streamSeq, at: utc(event.atMs), kind },
    organization_id: event.organizationId,
    ...{ project_id: event.projectId, project: event.project, team_id: event.teamId, team: event.team },
    ...{ scope: event.scope, scope_id: event.scopeId, quantity, window },
    ...{ window_start: utc(event.windowStartMs), window_end: utc(event.windowEndMs) },
    ...{ mode, models, per, value, amount, percent, spent, reserved, revision },
  };
}

/**
 * Writes events of limits; resolves when they are on disk. The same again changes nothing.
 * @throws ClickHouseError when the engine refuses, Error when it is away
 */
export function insertLimitEvents(client: LedgerClient, rows: readonly LimitEventRow[]): Promise<void> {
  return client.insert('limit_event_rows', rows);
}
