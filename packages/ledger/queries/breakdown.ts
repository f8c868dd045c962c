import type { LedgerClient, QueryOptions } from '../client.ts';
import type { UsageFilter } from './filter.ts';
import { type Bucket, bucketFor, checkRange, type TimeRange, wholeBuckets } from './range.ts';
import { type Source, source } from './source.ts';
import { NO_USAGE, SUMS, type UsageSums } from './sums.ts';

/** What one team used of one model; the model is empty where none served. */
export interface UsageCell extends UsageSums {
  teamId: string;
  team: string;
  project: string;
  model: string;
}

/** One bucket of one group: the ten that cost most have points of their own, the others are summed under {@link REST_GROUP}. */
export interface BreakdownPoint extends UsageSums {
  bucketMs: number;
  /** A team's id or a model's name. */
  group: string;
}

export interface UsageBreakdown {
  bucket: Bucket;
  /** From the beginning of the first bucket, unless it was asked for exactly. */
  range: TimeRange;
  total: UsageSums;
  /** The most expensive first. */
  cells: UsageCell[];
  byTeam: BreakdownPoint[];
  byModel: BreakdownPoint[];
}

export interface BreakdownQuestion extends QueryOptions {
  range: TimeRange;
  filter?: UsageFilter;
  /** Default: chosen from the range. */
  bucket?: Bucket;
  /** To the millisecond, from the events alone: for long ranges of a large ledger slower than the rollup. */
  exact?: boolean;
  nowMs?: number;
}

/** No team's id and no model's name. */
export const REST_GROUP = '*';

const GROUPS_MAX = 10;
/** 400 buckets of 11 groups fit. */
const ROWS_MAX_PER_SET = 5000;
const STARTS: Readonly<Record<Bucket, string>> = {
  minute: 'toStartOfMinute',
  hour: 'toStartOfHour',
  day: 'toStartOfDay',
};

interface Row extends UsageCell {
  part: 'total' | 'cell' | 'team' | 'model';
  bucketMs: number;
  teamGroup: string;
  modelGroup: string;
}

/**
 * Totals, teams by models, and both over time, in one reading: the parts always agree, also while requests come in.
 * @throws RangeError for a range that cannot be, ClickHouseError or Error from the engine
 */
export async function usageBreakdown(client: LedgerClient, question: BreakdownQuestion): Promise<UsageBreakdown> {
  checkRange(question.range);
  const { exact = false, bucket = bucketFor(question.range), nowMs = Date.now() } = question;
  const range = exact ? question.range : wholeBuckets(question.range, bucket);
  const from = source(range, question.filter ?? {}, { bucket, nowMs, exact });
  const rows = await client.rows<Row>(statement(from, bucket), from.parameters, question);
  const result: UsageBreakdown = { bucket, range, total: { ...NO_USAGE }, cells: [], byTeam: [], byModel: [] };
  for (const { part, bucketMs, teamGroup, modelGroup, teamId, team, project, model, ...sums } of rows) {
    if (part === 'total') result.total = sums;
    else if (part === 'cell') result.cells.push({ teamId, team, project, model, ...sums });
    else if (part === 'team') result.byTeam.push({ bucketMs, group: teamGroup, ...sums });
    else result.byModel.push({ bucketMs, group: modelGroup, ...sums });
  }
  return result;
}

function statement({ sql }: Source, bucket: Bucket): string {
  const largest = (column: string) => `SELECT s.${column} AS name FROM ${sql} GROUP BY name
    ORDER BY sum(s.cost_nano_usd) DESC, sum(s.prompt_tokens) + sum(s.completion_tokens) DESC, sum(s.requests) DESC, name
    LIMIT ${GROUPS_MAX}`;
  const group = (column: string, among: string) =>
    `if(s.${column} IN (SELECT name FROM ${among}), toString(s.${column}), '${REST_GROUP}')`;
  return `WITH largest_teams AS (${largest('team_id')}), largest_models AS (${largest('model')})
    SELECT multiIf(grouping(teamGroup) = 0, 'team', grouping(modelGroup) = 0, 'model', grouping(teamId) = 0, 'cell', 'total') AS part,
      toUnixTimestamp(${STARTS[bucket]}(s.at)) * 1000 AS bucketMs,
      ${group('team_id', 'largest_teams')} AS teamGroup, ${group('model', 'largest_models')} AS modelGroup,
      toString(s.team_id) AS teamId, toString(s.model) AS model, any(s.team) AS team, any(s.project) AS project, ${SUMS}
    FROM ${sql}
    GROUP BY GROUPING SETS ((bucketMs, teamGroup), (bucketMs, modelGroup), (teamId, model), ())
    HAVING requests > 0
    ORDER BY part, bucketMs, costNanoUsd DESC, tokens DESC, requests DESC, teamId, model, teamGroup, modelGroup
    LIMIT ${ROWS_MAX_PER_SET} BY part`;
}
