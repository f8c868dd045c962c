import type { LedgerClient, QueryOptions } from '../client.ts';
import type { UsageFilter } from './filter.ts';
import { bucketFor, checkRange, type TimeRange } from './range.ts';
import { source } from './source.ts';
import { NO_USAGE, SUMS, type UsageSums } from './sums.ts';

export type GroupBy = 'organization' | 'project' | 'team' | 'model' | 'provider';

export interface UsageGroup extends UsageSums {
  /** Value of the column that was asked for; empty where a request had none. */
  group: string;
}

export interface TotalsQuestion extends QueryOptions {
  range: TimeRange;
  filter?: UsageFilter;
  nowMs?: number;
}

const GROUPS_MAX = 1000;

/** Sums by team, model, …, the most expensive first, at most 1,000. Above six hours the range is read by whole hours. */
export async function usageBy(client: LedgerClient, by: GroupBy, question: TotalsQuestion): Promise<UsageGroup[]> {
  checkRange(question.range);
  const from = source(question.range, question.filter ?? {}, {
    bucket: bucketFor(question.range),
    nowMs: question.nowMs ?? Date.now(),
  });
  return client.rows<UsageGroup>(
    `SELECT s.${by} AS group, ${SUMS} FROM ${from.sql} GROUP BY group HAVING requests > 0
     ORDER BY costNanoUsd DESC, tokens DESC, group LIMIT ${GROUPS_MAX}`,
    from.parameters,
    question,
  );
}

export interface TeamUsage extends UsageSums {
  team: string;
  sinceMs: number;
  untilMs: number;
  models: UsageGroup[];
}

export interface TeamUsageOptions extends QueryOptions {
  /** Narrows a name that several organizations or projects have. */
  filter?: Omit<UsageFilter, 'team'>;
  nowMs?: number;
}

/** What one team used since a moment, exact: from the deduplicated events, as a bill is. */
export async function teamUsage(
  client: LedgerClient,
  team: string,
  sinceMs: number,
  options: TeamUsageOptions = {},
): Promise<TeamUsage> {
  // Clocks of gateways may be a little ahead of ours.
  const untilMs = (options.nowMs ?? Date.now()) + 60_000;
  const range = { fromMs: sinceMs, toMs: untilMs };
  checkRange(range);
  const from = source(range, { ...options.filter, team }, { bucket: 'minute', nowMs: untilMs, exact: true });
  const models = await client.rows<UsageGroup>(
    `SELECT s.model AS group, ${SUMS} FROM ${from.sql} GROUP BY group ORDER BY costNanoUsd DESC, tokens DESC, group LIMIT ${GROUPS_MAX}`,
    from.parameters,
    options,
  );
  const total: UsageSums = { ...NO_USAGE };
  for (const model of models) {
    for (const name of Object.keys(NO_USAGE) as (keyof UsageSums)[]) total[name] += model[name];
  }
  return { team, sinceMs, untilMs, ...total, models };
}
