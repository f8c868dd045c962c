import type { LedgerClient } from '../client.ts';
import { utc } from '../row.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** What both rollups sum. The events' columns are qualified, or the names of the sums would hide them. */
export const SUMMED = [
  'prompt_tokens',
  'completion_tokens',
  'cached_prompt_tokens',
  'reasoning_tokens',
  'served_prompt_tokens',
  'served_completion_tokens',
  'cost_nano_usd',
  'saved_nano_usd',
] as const;
const NAMES = ['organization', 'project', 'team'];

export interface Rollup {
  table: 'usage_hourly' | 'usage_daily_by_key';
  time: 'hour' | 'day';
  start: 'toStartOfHour' | 'toStartOfDay';
  dimensions: readonly string[];
}

export const HOURLY: Rollup = {
  table: 'usage_hourly',
  time: 'hour',
  start: 'toStartOfHour',
  dimensions: ['organization_id', 'project_id', 'team_id', 'provider', 'model', 'status', 'cache_status'],
};
export const DAILY_BY_KEY: Rollup = {
  table: 'usage_daily_by_key',
  time: 'day',
  start: 'toStartOfDay',
  dimensions: ['organization_id', 'project_id', 'team_id', 'key_id', 'model', 'status'],
};

/** A rebuild of many hours reads them all at once. */
const SETTINGS = { max_execution_time: 300 };

/**
 * Sums the hours from `fromHourMs` (included) to `toHourMs` (excluded) anew, and the days (UTC) they are in. Idempotent, and safe beside other
 * rebuilds and inserts: a rebuild that began after an insert was done has it, and among several the one that began last stands.
 */
export async function rebuildRollup(client: LedgerClient, fromHourMs: number, toHourMs: number): Promise<void> {
  await rebuild(client, HOURLY, floor(fromHourMs, HOUR_MS), ceil(toHourMs, HOUR_MS));
  await rebuild(client, DAILY_BY_KEY, floor(fromHourMs, DAY_MS), ceil(toHourMs, DAY_MS));
}

async function rebuild(client: LedgerClient, rollup: Rollup, fromMs: number, toMs: number): Promise<void> {
  await client.command(statement(rollup), { from: utc(fromMs), to: utc(toMs) }, { settings: SETTINGS });
}

/** Groups that the rollup has but the events no longer have (an abandoned request that was measured after all) become zeros. */
function statement({ table, time, start, dimensions }: Rollup): string {
  const keys = [time, ...dimensions].join(', ');
  const sums = SUMMED.map((column) => `sum(s.${column})`).join(', ');
  return `
INSERT INTO ${table} (${keys}, rollup_version, ${NAMES.join(', ')}, requests, ${SUMMED.join(', ')})
SELECT ${keys}, toUInt64(toUnixTimestamp64Nano(now64(9))),
  ${NAMES.map((name) => `argMax(s.${name}, s.requests)`).join(', ')}, sum(s.requests), ${sums}
FROM
(
  SELECT toDateTime(${start}(e.started_at), 'UTC') AS ${time}, ${dimensions.map((name) => `e.${name} AS ${name}`).join(', ')},
    ${NAMES.map((name) => `argMax(e.${name}, e.started_at) AS ${name}`).join(', ')},
    toInt64(count()) AS requests, ${SUMMED.map((column) => `sum(e.${column}) AS ${column}`).join(', ')}
  FROM usage_events AS e FINAL
  WHERE e.started_at >= {from:DateTime64(3, 'UTC')} AND e.started_at < {to:DateTime64(3, 'UTC')}
  GROUP BY ${keys}
  UNION ALL
  SELECT ${keys}, ${NAMES.join(', ')}, toInt64(0), ${SUMMED.map(() => 'toInt64(0)').join(', ')}
  FROM ${table} FINAL
  WHERE ${time} >= {from:DateTime64(3, 'UTC')} AND ${time} < {to:DateTime64(3, 'UTC')}
) AS s
GROUP BY ${keys}`;
}

function floor(ms: number, unit: number): number {
  return Math.floor(ms / unit) * unit;
}

function ceil(ms: number, unit: number): number {
  return Math.ceil(ms / unit) * unit;
}
