import type { LedgerClient, QueryOptions } from '../client.ts';
import { utc } from '../row.ts';

/** Sequences of USAGE, both included. */
export interface SequenceRange {
  fromSeq: number;
  toSeq: number;
}

/**
 * Sequences of a range that no row came with, the first `max` of them in order. That is not a loss by itself: a row that a later message
 * replaced may be merged away. Without gaps it is one count.
 */
export async function missingSequences(
  client: LedgerClient,
  { fromSeq, toSeq }: SequenceRange,
  max: number,
  options: QueryOptions = {},
): Promise<{ missing: number; first: number[] }> {
  const length = toSeq - fromSeq + 1;
  const parameters = { fromSeq, toSeq, length, max };
  const within = `SELECT e.stream_seq FROM usage_events AS e WHERE e.stream_seq BETWEEN {fromSeq:UInt64} AND {toSeq:UInt64}`;
  const [counted] = await client.rows<{ there: number }>(
    `SELECT uniqExact(stream_seq) AS there FROM (${within})`,
    parameters,
    options,
  );
  const missing = length - (counted?.there ?? 0);
  if (missing === 0) return { missing, first: [] };
  const rows = await client.rows<{ seq: number }>(
    `SELECT n.number AS seq FROM numbers({fromSeq:UInt64}, {length:UInt64}) AS n WHERE n.number NOT IN (${within})
     ORDER BY seq LIMIT {max:UInt32}`,
    parameters,
    options,
  );
  return { missing, first: rows.map(({ seq }) => seq) };
}

/** A message, and how many of its requests have rows that came with it. */
export interface LackingMessage {
  seq: number;
  there: number;
}

/**
 * Messages of a range that fewer requests have rows of than came with them, but some, in order. That is not a loss by itself either. Rows of the
 * version before do not say how many came with their message.
 */
export async function shortMessages(
  client: LedgerClient,
  { fromSeq, toSeq }: SequenceRange,
  options: QueryOptions = {},
): Promise<LackingMessage[]> {
  return client.rows<LackingMessage>(
    `SELECT e.stream_seq AS seq, uniqExact(e.request_id) AS there FROM usage_events AS e
     WHERE e.stream_seq BETWEEN {fromSeq:UInt64} AND {toSeq:UInt64} AND e.message_rows > 1
     GROUP BY seq HAVING there < max(e.message_rows) ORDER BY seq`,
    { fromSeq, toSeq },
    options,
  );
}

/** Rows with later sequences than this, among those that came since a moment (ClickHouse's clock), and the latest of them. */
export async function rowsBeyond(
  client: LedgerClient,
  seq: number,
  sinceMs: number,
  options: QueryOptions = {},
): Promise<{ rows: number; lastSeq: number }> {
  const [row] = await client.rows<{ rows: number; lastSeq: number }>(
    `SELECT count() AS rows, max(e.stream_seq) AS lastSeq FROM usage_events AS e
     WHERE e.stream_seq > {seq:UInt64} AND e.inserted_at >= {since:DateTime64(3, 'UTC')}`,
    { seq, since: utc(sinceMs) },
    options,
  );
  return row ?? { rows: 0, lastSeq: 0 };
}
