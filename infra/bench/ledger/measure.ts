import { text } from 'node:stream/consumers';
import { type LedgerClient, runReadOnly } from '@tollgate/ledger';
import type { Question } from '@tollgate/ledger/testing/questions';

export interface Timing {
  number: number;
  title: string;
  /** Of each round, milliseconds from the question to the whole answer. */
  ms: number[];
  medianMs: number;
  lines: number;
  rowsRead: number;
  bytesRead: number;
  /** Of at most 8,192 rows each: how many the primary key and the indexes leave. */
  granules: number;
}

/** Asks every question in every round, after one that is not counted, within the bounds of an analyst's statement. */
export async function measure(client: LedgerClient, questions: readonly Question[], rounds: number): Promise<Timing[]> {
  const timings = new Map<number, Timing>();
  for (let round = 0; round <= rounds; round++) {
    for (const { number, title, sql } of questions) {
      const startedAtMs = performance.now();
      const answer = JSON.parse(await text(await runReadOnly(client, sql, 'JSON'))) as Answer;
      const ms = performance.now() - startedAtMs;
      const { rows: lines, statistics } = answer;
      const known = timings.get(number);
      if (known) known.ms.push(ms);
      else {
        const read = { rowsRead: statistics.rows_read, bytesRead: statistics.bytes_read };
        timings.set(number, {
          number,
          title,
          ms: [],
          medianMs: 0,
          lines,
          ...read,
          granules: await granulesOf(client, sql),
        });
      }
    }
  }
  return [...timings.values()].map((timing) => ({ ...timing, medianMs: median(timing.ms) }));
}

interface Answer {
  rows: number;
  statistics: { rows_read: number; bytes_read: number };
}

async function granulesOf(client: LedgerClient, sql: string): Promise<number> {
  const tables = await client.rows<{ marks: number }>(`EXPLAIN ESTIMATE ${sql}`);
  return tables.reduce((sum, { marks }) => sum + marks, 0);
}

/** Of an even number of values the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  const upper = sorted[Math.floor(sorted.length / 2)] ?? 0;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[sorted.length / 2 - 1] ?? 0)) / 2;
}

/** For docs/ledger-for-analysts.md, as it stands there. */
export function timingTable(timings: readonly Timing[]): string {
  const count = (value: number) => Math.round(value).toLocaleString('en-US');
  const lines = timings.map(
    ({ number, title, medianMs, rowsRead, granules, lines }) =>
      `| ${number}. ${title} | ${count(medianMs)} | ${count(rowsRead)} | ${count(granules)} | ${count(lines)} |`,
  );
  return ['| question | ms | rows read | granules | lines |', '|---|--:|--:|--:|--:|', ...lines].join('\n');
}
