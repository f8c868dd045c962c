import type { LedgerClient, QueryOptions } from '../client.ts';
import type { UsageFilter } from './filter.ts';
import { type Bucket, bucketFor, checkRange, type TimeRange, wholeBuckets } from './range.ts';
import { source } from './source.ts';
import { SUMS, type UsageSums } from './sums.ts';

/** One point of a chart. Buckets without requests are left out. */
export interface UsagePoint extends UsageSums {
  bucketMs: number;
  /** Team or model, when points are asked for by one of them; else empty. */
  group: string;
}

export interface UsageOverTime {
  bucket: Bucket;
  /** From the beginning of the first bucket. */
  range: TimeRange;
  points: UsagePoint[];
}

export interface OverTimeQuestion extends QueryOptions {
  range: TimeRange;
  filter?: UsageFilter;
  /** Default: all in one. The 20 groups with the most tokens have names, the others are summed as `other`. */
  by?: 'team' | 'model';
  /** Default: chosen from the range. */
  bucket?: Bucket;
  nowMs?: number;
}

const STARTS: Readonly<Record<Bucket, string>> = {
  minute: 'toStartOfMinute',
  hour: 'toStartOfHour',
  day: 'toStartOfDay',
};
const GROUPS_MAX = 20;
/** 400 buckets of 21 groups fit; a wrong question ends here and not in memory. */
const POINTS_MAX = 20_000;

/** @throws RangeError for a range that cannot be, ClickHouseError or Error from the engine */
export async function usageOverTime(client: LedgerClient, question: OverTimeQuestion): Promise<UsageOverTime> {
  checkRange(question.range);
  const bucket = question.bucket ?? bucketFor(question.range);
  const range = wholeBuckets(question.range, bucket);
  const nowMs = question.nowMs ?? Date.now();
  const from = source(range, question.filter ?? {}, { bucket, nowMs });
  const points = await client.rows<UsagePoint>(
    `WITH named AS (${largestGroups(from.sql, question.by)})
     SELECT toUnixTimestamp(${STARTS[bucket]}(s.at)) * 1000 AS bucketMs, ${groupOf(question.by)} AS group, ${SUMS}
     FROM ${from.sql} GROUP BY bucketMs, group HAVING requests > 0 ORDER BY bucketMs, group LIMIT ${POINTS_MAX}`,
    from.parameters,
    question,
  );
  return { bucket, range, points };
}

function largestGroups(from: string, by: 'team' | 'model' | undefined): string {
  if (!by) return "SELECT '' AS name";
  return `SELECT s.${by} AS name FROM ${from} GROUP BY name
    ORDER BY sum(s.prompt_tokens) + sum(s.completion_tokens) DESC, name LIMIT ${GROUPS_MAX}`;
}

function groupOf(by: 'team' | 'model' | undefined): string {
  return by ? `if(s.${by} IN (SELECT name FROM named), s.${by}, 'other')` : "''";
}
