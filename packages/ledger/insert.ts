import type { LedgerClient } from './client.ts';
import type { UsageRow } from './row.ts';

/** Rows of one insert; far below what the engine takes, so that a batch is one part a month. */
export const INSERT_ROWS_MAX = 10_000;

/**
 * Writes rows; resolves when they are on disk (the table's fsync settings). Writing the same rows again, in other batches or another order,
 * changes nothing: the highest version of a request stands.
 * @throws ClickHouseError when the engine refuses, Error when it is away; some of the rows may be there then
 */
export async function insertUsage(
  client: LedgerClient,
  rows: readonly UsageRow[],
  options: { signal?: AbortSignal } = {},
): Promise<void> {
  for (let start = 0; start < rows.length; start += INSERT_ROWS_MAX) {
    await client.insert('usage_events', rows.slice(start, start + INSERT_ROWS_MAX), options);
  }
}
