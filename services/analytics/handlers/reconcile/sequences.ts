import { type Bus, usageConsumers } from '@tollgate/bus';
import type { BudgetCountersReply } from '@tollgate/contracts';
import { type Finding, type LedgerClient, rowsBeyond } from '@tollgate/ledger';

export interface SequencesOptions {
  ledger: { ask<T>(question: (client: LedgerClient) => Promise<T>): Promise<T> };
  bus: Pick<Bus, 'usageAckFloor' | 'usageState'>;
  counters(skip: number): Promise<BudgetCountersReply>;
  now(): number;
}

/** As long as the longest usual window of a budget. */
const rowsYoungerThanMs = 31 * 24 * 3_600_000;

/**
 * Holds the sequences that ClickHouse and Redis have against those that JetStream gave. Both may be ahead only when USAGE was lost and begun
 * again: then sums up to a sequence leave rows out, and usage below Redis's floor passes for settled.
 */
export async function compareSequences(options: SequencesOptions): Promise<Finding[]> {
  const findings = [await rowsAhead(options), await floorAhead(options)];
  const differing = findings.filter((finding) => finding.outcome === 'differs');
  const skipped = findings.find((finding) => finding.outcome === 'skipped');
  const outcome = differing.length > 0 ? 'differs' : skipped ? 'skipped' : 'equal';
  const detail = skipped?.detail ?? 'sequences of rows and of the floor of what is settled';
  return [
    { compared: 'sequences', outcome, what: '', expected: 2, found: 2 - differing.length - (skipped ? 1 : 0), detail },
    ...differing,
  ];
}

async function rowsAhead({ ledger, bus, now }: SequencesOptions): Promise<Finding> {
  const sinceMs = now() - rowsYoungerThanMs;
  const floor = await bus.usageAckFloor(usageConsumers.ledger);
  const newest = await ledger.ask((client) => rowsBeyond(client, floor, sinceMs));
  // Asked after the rows were: what they hold by right, the stream gave before.
  const { lastSeq } = await bus.usageState();
  const finding = { compared: 'sequences', what: 'rows', expected: lastSeq, found: newest.lastSeq } as const;
  if (newest.lastSeq <= lastSeq) return { ...finding, outcome: 'equal', detail: '' };
  const beyond = await ledger.ask((client) => rowsBeyond(client, lastSeq, sinceMs));
  return { ...finding, outcome: 'differs', detail: `${beyond.rows} rows have sequences that USAGE never gave` };
}

async function floorAhead({ bus, counters }: SequencesOptions): Promise<Finding> {
  const { floorSeq, error } = await counters(0);
  const settledSeq = await bus.usageAckFloor(usageConsumers.settle);
  const finding = { compared: 'sequences', what: 'floor', expected: settledSeq, found: floorSeq } as const;
  if (error !== '') return { ...finding, outcome: 'skipped', detail: `guard-auth has no counters: ${error}` };
  if (floorSeq <= settledSeq) return { ...finding, outcome: 'equal', detail: '' };
  return {
    ...finding,
    outcome: 'differs',
    detail: 'Redis takes usage for settled that was not: USAGE was begun again',
  };
}
