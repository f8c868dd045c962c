import type { QueryParameters } from '../client.ts';
import { utc } from '../row.ts';
import { conditions, type UsageFilter } from './filter.ts';
import type { Bucket, TimeRange } from './range.ts';

const HOUR_MS = 3_600_000;

/** Younger hours are read from the events: the rollups may be behind by one refresh, and what is live should be seen at once. */
const LIVE_MS = 2 * HOUR_MS;

const COLUMNS = `organization, project, team, team_id, provider, model, status, cache_status, prompt_tokens, completion_tokens,
  cached_prompt_tokens, reasoning_tokens, served_prompt_tokens, served_completion_tokens, cost_nano_usd, saved_nano_usd`;

export interface Source {
  /** A FROM clause: rows with `at` (DateTime64), the dimensions, and the figures. */
  sql: string;
  parameters: QueryParameters;
}

/**
 * Where figures of a range come from: the deduplicated events, exact to the millisecond, where the range is read by minutes or `exact` is asked
 * for; else the hourly rollup, with events for the last hours.
 */
export function source(
  range: TimeRange,
  filter: UsageFilter,
  options: { bucket: Bucket; nowMs: number; exact?: boolean },
): Source {
  const { sql: where, parameters } = conditions(filter, 'u');
  const split = splitOf(range, options);
  const all = { ...parameters, from: utc(range.fromMs), to: utc(range.toMs), split: utc(split) };
  const events = `SELECT u.started_at AS at, toInt64(1) AS requests, ${COLUMNS} FROM usage_events AS u FINAL
    WHERE u.started_at >= {split:DateTime64(3, 'UTC')} AND u.started_at < {to:DateTime64(3, 'UTC')}${where}`;
  if (split <= range.fromMs) return { sql: `(${events}) AS s`, parameters: all };
  const rollup = `SELECT toDateTime64(u.hour, 3, 'UTC') AS at, requests, ${COLUMNS} FROM usage_hourly AS u FINAL
    WHERE u.hour >= {from:DateTime64(3, 'UTC')} AND u.hour < {split:DateTime64(3, 'UTC')}${where}`;
  return { sql: `(${rollup} UNION ALL ${events}) AS s`, parameters: all };
}

function splitOf(
  range: TimeRange,
  { bucket, nowMs, exact }: { bucket: Bucket; nowMs: number; exact?: boolean },
): number {
  if (exact || bucket === 'minute') return range.fromMs;
  const live = Math.floor((nowMs - LIVE_MS) / HOUR_MS) * HOUR_MS;
  return Math.max(range.fromMs, Math.min(live, Math.floor(range.toMs / HOUR_MS) * HOUR_MS));
}
