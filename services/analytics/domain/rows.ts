import type { UsageMessage } from '@tollgate/bus';
import { toUsageRow, type UsageRow } from '@tollgate/ledger';

export interface Rows {
  rows: UsageRow[];
  /** Events that can belong to no row, with the reason. */
  malformed: { seq: number; batchId: string; reason: string }[];
}

/** Each row says how many requests came with its message: so the ledger itself knows which message lacks some. */
export function rowsOf(messages: readonly UsageMessage[]): Rows {
  const rows: UsageRow[] = [];
  const malformed: Rows['malformed'] = [];
  for (const { seq, batch } of messages) {
    const first = rows.length;
    const requests = new Set<string>();
    for (const event of batch.events) {
      try {
        const row = toUsageRow(event, seq);
        requests.add(row.request_id);
        rows.push(row);
      } catch (error) {
        malformed.push({ seq, batchId: batch.batchId, reason: (error as Error).message });
      }
    }
    for (let at = first; at < rows.length; at++) (rows[at] as UsageRow).message_rows = requests.size;
  }
  return { rows, malformed };
}
