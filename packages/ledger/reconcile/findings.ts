import { randomUUID } from 'node:crypto';
import type { LedgerClient } from '../client.ts';

/** What is held against what: rows against messages, sequences against the stream's, counters against leases and the rows' sums, sums by hour against the rows. */
export const COMPARISONS = ['rows', 'sequences', 'budgets', 'rollups'] as const;
export type Comparison = (typeof COMPARISONS)[number];

/** One row of `reconciliations`. */
export interface Finding {
  compared: Comparison;
  /** `skipped`: it could not be compared now, `detail` says why. */
  outcome: 'equal' | 'differs' | 'skipped';
  /** What differs; empty for the comparison as a whole. */
  what: string;
  expected: number;
  found: number;
  detail: string;
}

export interface Reconciliation {
  run: string;
  findings: Finding[];
}

/** Keeps what a run found. Resolves when it is on disk. */
export async function recordFindings(client: LedgerClient, findings: readonly Finding[]): Promise<Reconciliation> {
  const run = randomUUID();
  await client.insert(
    'reconciliations',
    findings.map((finding) => ({ run, ...finding })),
  );
  return { run, findings: [...findings] };
}

/** The newest run, unless it is older than `ageMsMax` (ClickHouse's clock). */
export async function newestFindings(client: LedgerClient, ageMsMax: number): Promise<Reconciliation | undefined> {
  const rows = await client.rows<Finding & { run: string }>(
    `WITH (SELECT argMax(r.run, r.at) FROM reconciliations AS r WHERE r.at > now64(3) - toIntervalMillisecond({ageMsMax:UInt64})) AS newest
     SELECT r.run AS run, r.compared AS compared, r.outcome AS outcome, r.what AS what, r.expected AS expected, r.found AS found,
       r.detail AS detail
     FROM reconciliations AS r
     WHERE r.run = newest AND r.at > now64(3) - toIntervalMillisecond({ageMsMax:UInt64}) ORDER BY compared, what`,
    { ageMsMax },
  );
  const [first] = rows;
  return first && { run: first.run, findings: rows.map(({ run: _, ...finding }) => finding) };
}
