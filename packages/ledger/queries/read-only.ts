import type { Readable } from 'node:stream';
import type { ClickHouseSettings } from '@clickhouse/client';
import type { LedgerClient } from '../client.ts';

export interface ReadOnlyOptions {
  signal?: AbortSignal;
  /** Default 30. */
  secondsMax?: number;
  /** Of the result. Default 1,000,000. */
  rowsMax?: number;
  /** Of the result. Default 64 MiB. */
  bytesMax?: number;
  /** Of the query while it runs. Default 1 GiB. */
  memoryBytesMax?: number;
}

/**
 * Runs an analyst's statement: reading only, in bounded time, memory and size, in the ledger's database, where `usage` is.
 * It sees every team's rows: a boundary between teams needs a server with users and row policies, or the console's questions.
 * @param format of the answer unless the statement ends in a FORMAT of its own: JSON, JSONEachRow, CSV, CSVWithNames, PrettyCompact, …
 * @returns the answer's bytes, complete and without errors in the middle; read or destroy it
 * @throws ClickHouseError READONLY, TIMEOUT_EXCEEDED, TOO_MANY_ROWS_OR_BYTES, MEMORY_LIMIT_EXCEEDED, or what is wrong with the statement
 */
export function runReadOnly(
  client: LedgerClient,
  statement: string,
  format: string,
  options: ReadOnlyOptions = {},
): Promise<Readable> {
  if (!/^\w{1,64}$/.test(format)) throw new RangeError('a format is a name of ClickHouse such as JSON or CSVWithNames');
  const settings = {
    readonly: '1',
    max_execution_time: options.secondsMax ?? 30,
    max_result_rows: String(options.rowsMax ?? 1_000_000),
    max_result_bytes: String(options.bytesMax ?? 64 * 1024 * 1024),
    result_overflow_mode: 'throw',
    max_memory_usage: String(options.memoryBytesMax ?? 1024 ** 3),
    // The answer begins when it is complete, so that an error has a status of its own.
    wait_end_of_query: 1,
  } satisfies ClickHouseSettings;
  return client.raw(statement, format, { settings, signal: options.signal });
}
