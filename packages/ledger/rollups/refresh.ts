import type { LedgerClient } from '../client.ts';
import { utc } from '../row.ts';
import { rebuildRollup } from './rebuild.ts';

const HOUR_MS = 3_600_000;
/** Of the rollups in `rollup_progress`. */
export const NAME = 'usage';

/** An insert gets its time when it begins and is seen when it is done: so much longer is looked back, milliseconds. */
export const OVERLAP_MS = 60_000;
/** Hours of one rebuild, so that catching up after a long absence stays within a query's bounds. */
const RANGE_HOURS_MAX = 24;

export interface HourRange {
  fromMs: number;
  /** Excluded. */
  toMs: number;
}

/** Hours with rows that came at `sinceMs` or later (ClickHouse's clock), as ranges in order. */
export async function touchedHours(client: LedgerClient, sinceMs: number): Promise<HourRange[]> {
  const rows = await client.rows<{ hourMs: number }>(
    `SELECT DISTINCT toUnixTimestamp(toStartOfHour(e.started_at)) * 1000 AS hourMs
     FROM usage_events AS e WHERE e.inserted_at >= {since:DateTime64(3, 'UTC')} ORDER BY hourMs`,
    { since: utc(sinceMs) },
  );
  return toRanges(rows.map((row) => row.hourMs));
}

/**
 * Rebuilds the hours that were touched since the last call, by whichever process. What was done is kept in the ledger, so nothing is missed
 * after a crash; several processes may do it at once.
 */
export async function refreshRollups(client: LedgerClient): Promise<HourRange[]> {
  const [state] = await client.rows<{ nowMs: number; doneMs: number }>(
    `SELECT toUnixTimestamp64Milli(now64(3)) AS nowMs,
       (SELECT toUnixTimestamp64Milli(max(done_until)) FROM rollup_progress WHERE name = {name:String}) AS doneMs`,
    { name: NAME },
  );
  if (!state) throw new Error('ClickHouse answered a query for one row with none');
  const ranges = await touchedHours(client, Math.max(0, state.doneMs - OVERLAP_MS));
  for (const range of ranges) await rebuildRollup(client, range.fromMs, range.toMs);
  if (ranges.length > 0) await client.insert('rollup_progress', [{ name: NAME, done_until: utc(state.nowMs) }]);
  return ranges;
}

/** Neighbouring hours together, at most {@link RANGE_HOURS_MAX} of them. */
export function toRanges(hoursMs: readonly number[]): HourRange[] {
  const ranges: HourRange[] = [];
  for (const hour of hoursMs) {
    const last = ranges.at(-1);
    if (last && last.toMs === hour && last.toMs - last.fromMs < RANGE_HOURS_MAX * HOUR_MS) last.toMs += HOUR_MS;
    else ranges.push({ fromMs: hour, toMs: hour + HOUR_MS });
  }
  return ranges;
}
