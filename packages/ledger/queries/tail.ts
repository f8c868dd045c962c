/** Requests are shown when they end: whatever runs longer than a day is not. It bounds what is read, however old the ledger. */
const YOUNG = 'started_at > now() - INTERVAL 1 DAY';

/** The sequence after which rows are new, as text; 0 where nobody asked anything for a day. */
export const newestSequence = `SELECT toString(max(stream_seq)) AS seq FROM usage WHERE ${YOUNG}`;

/**
 * Rows after a sequence in which usage was written, oldest first: a request that took long begins before those that were shown already.
 * @param max lines
 */
export function rowsAfter(seq: bigint, max: number): string {
  return `SELECT toString(stream_seq) AS seq, toString(started_at) AS at, team, model, status, http_status,
  cache_status, prompt_tokens + completion_tokens AS tokens, latency_ms
  FROM usage WHERE ${YOUNG} AND stream_seq > ${seq} ORDER BY stream_seq LIMIT ${max}`;
}
