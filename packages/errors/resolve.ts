import type { ErrorDetail } from '@tollgate/contracts';
import { type ErrorRow, errorTable, isErrorCode } from './table.ts';

/** What may be said of an error. A code without a row (a newer replica's) is `internal_error`, without its text. */
export function resolve(detail: ErrorDetail): { code: string; message: string; row: ErrorRow } {
  if (!isErrorCode(detail.code)) {
    return { code: 'internal_error', message: errorTable.internal_error.message, row: errorTable.internal_error };
  }
  const row = errorTable[detail.code];
  return { code: detail.code, message: detail.message === '' ? row.message : detail.message, row };
}
