import type { UsageMessage } from '@tollgate/bus';
import { toUsageRow, type UsageRow } from '@tollgate/ledger';

export interface Rows {
  rows: UsageRow[];
  /** Events that can belong to no row, with the reason. */
  malformed: { seq: number; batchId: string; reason: string }[];
}

export function rowsOf(messages: readonly UsageMessage[]): Rows {
  const rows: UsageRow[] = [];
  const malformed: Rows['malformed'] = [];
  for (const { seq, batch } of messages) {
    for (const event of batch.events) {
      try {
        rows.push(toUsageRow(event, seq));
      } catch (error) {
        malformed.push({ seq, batchId: batch.batchId, reason: (error as Error).message });
      }
    }
  }
  return { rows, malformed };
}
