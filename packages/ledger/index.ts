// ClickHouse: schema and its migrations, rows, rollups, questions.
export { ClickHouseError } from '@clickhouse/client';
export { connect, LedgerClient, type LedgerOptions, type QueryOptions, type QueryParameters } from './client.ts';
export { INSERT_ROWS_MAX, insertUsage } from './insert.ts';
export { insertLimitEvents, type LimitEventRow, toLimitEventRow } from './limit-event-row.ts';
export {
  type BreakdownPoint,
  type BreakdownQuestion,
  REST_GROUP,
  type UsageBreakdown,
  type UsageCell,
  usageBreakdown,
} from './queries/breakdown.ts';
export {
  type BudgetScope,
  type BudgetSum,
  type BudgetSums,
  type BudgetSumsQuestion,
  type BudgetWindow,
  budgetSums,
  type Figures,
  type UnmeasuredRow,
} from './queries/budget-sums.ts';
export type { UsageFilter } from './queries/filter.ts';
export { type LatestQuestion, type LatestRequest, latestRequests } from './queries/latest.ts';
export { type OverTimeQuestion, type UsageOverTime, type UsagePoint, usageOverTime } from './queries/over-time.ts';
export { type Bucket, bucketFor, type TimeRange } from './queries/range.ts';
export { type ReadOnlyOptions, runReadOnly } from './queries/read-only.ts';
export type { UsageSums } from './queries/sums.ts';
export { newestSequence, rowsAfter } from './queries/tail.ts';
export {
  type GroupBy,
  type TeamUsage,
  type TeamUsageOptions,
  type TotalsQuestion,
  teamUsage,
  type UsageGroup,
  usageBy,
} from './queries/totals.ts';
export {
  COMPARISONS,
  type Comparison,
  type Finding,
  newestFindings,
  type Reconciliation,
  recordFindings,
} from './reconcile/findings.ts';
export { type BudgetCounter, type ReservedSum, reservedSum } from './reconcile/reserved-sum.ts';
export { type RollupDifference, rollupDifferences } from './reconcile/rollup-sums.ts';
export {
  type LackingMessage,
  missingSequences,
  rowsBeyond,
  type SequenceRange,
  shortMessages,
} from './reconcile/sequences.ts';
export { standingRows, type WrongFigure, wrongFigure } from './reconcile/standing-rows.ts';
export { DAILY_BY_KEY, HOURLY, rebuildRollup } from './rollups/rebuild.ts';
export { type HourRange, refreshRollups, touchedHours } from './rollups/refresh.ts';
export { toUsageRow, type UsageRow } from './row.ts';
export { SchemaError } from './schema/fault.ts';
export { type Migration, schemaVersion } from './schema/files.ts';
export { assertSchema, type MigrateOptions, type MigrateResult, migrate } from './schema/migrate.ts';
