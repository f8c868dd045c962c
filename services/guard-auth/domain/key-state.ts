import type { KeyRecord } from '@tollgate/config';

/** Whether a key may be used at all. Why not is nobody's business: callers read one text for all reasons. */
export function isUsable(record: KeyRecord | undefined, nowMs: number): record is KeyRecord {
  if (record === undefined) return false;
  if (record.revokedAtMs !== undefined) return false;
  return record.expiresAtMs === undefined || nowMs < record.expiresAtMs;
}
