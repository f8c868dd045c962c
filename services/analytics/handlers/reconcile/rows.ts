import type { Bus, UsageMessage } from '@tollgate/bus';
import { usageConsumers } from '@tollgate/bus';
import {
  type Finding,
  type LedgerClient,
  missingSequences,
  type SequenceRange,
  standingVersions,
  type UsageRow,
} from '@tollgate/ledger';
import { rowsOf } from '../../domain/rows.ts';

export interface RowsOptions {
  ledger: { ask<T>(question: (client: LedgerClient) => Promise<T>): Promise<T> };
  bus: Pick<Bus, 'readUsage' | 'usageAckFloor' | 'usageMessage' | 'usageState'>;
  random(): number;
}

/** The newest messages that are looked at, in steps that each are one query. */
const messagesMax = 1_000_000;
const stepMax = 100_000;
/** Messages without rows that are looked up one by one: rare, since a message loses its rows only to later versions of all its requests. */
const gapsMax = 1000;
/** Messages whose every event is looked up: a message of several events may lack one of its rows and leave no gap. */
const sampleMax = 2000;
/** Told one by one. */
const toldMax = 100;

/** Holds the rows against the messages of USAGE that the ledger has acknowledged: each event has its row, of its version or a higher one. */
export async function compareRows({ ledger, bus, random }: RowsOptions): Promise<Finding[]> {
  const toSeq = await bus.usageAckFloor(usageConsumers.ledger);
  const { firstSeq } = await bus.usageState();
  const fromSeq = Math.max(1, firstSeq, toSeq - messagesMax + 1);
  const messages = Math.max(0, toSeq - fromSeq + 1);
  const gaps: number[] = [];
  let missing = 0;
  for (let start = fromSeq; start <= toSeq; start += stepMax) {
    const range = { fromSeq: start, toSeq: Math.min(toSeq, start + stepMax - 1) };
    const step = await ledger.ask((client) => missingSequences(client, range, gapsMax - gaps.length));
    missing += step.missing;
    gaps.push(...step.first);
  }
  const lookedUp = new Map<string, UsageRow>();
  const lost = new Map<string, UsageRow>();
  const lookUp = async (some: readonly UsageMessage[]) => {
    const { rows } = rowsOf(some);
    const standing = await ledger.ask((client) => standingVersions(client, rows));
    for (const row of rows) {
      lookedUp.set(`${row.request_id} ${row.version}`, row);
      if ((standing.get(row.request_id) ?? 0) < row.version) lost.set(row.request_id, row);
    }
  };
  const gapMessages = await Promise.all(gaps.map((seq) => bus.usageMessage(seq)));
  await lookUp(gapMessages.filter((message) => message !== undefined));
  if (messages > 0) await lookUp(await read(bus, sampleOf({ fromSeq, toSeq }, random)));

  const detail = `messages ${fromSeq} to ${toSeq}; of ${lookedUp.size} events that were looked up ${lost.size} have no row`;
  const unseen = missing - gaps.length;
  const whole: Finding = {
    compared: 'rows',
    outcome: lost.size === 0 ? 'equal' : 'differs',
    what: '',
    expected: messages,
    found: messages - missing,
    detail: unseen > 0 ? `${detail}; ${unseen} further messages without rows were not looked up` : detail,
  };
  const told = [...lost.values()].slice(0, toldMax).map(
    (row): Finding => ({
      compared: 'rows',
      outcome: 'differs',
      what: `request ${row.request_id}`,
      expected: row.version,
      found: 0,
      detail: `message ${row.stream_seq}, team ${row.team_id}, started ${row.started_at}: its row is missing or of a lower version`,
    }),
  );
  return [whole, ...told];
}

/** All of a short range, else a part of it that is another one each time. */
function sampleOf({ fromSeq, toSeq }: SequenceRange, random: () => number): SequenceRange {
  const spare = Math.max(0, toSeq - fromSeq + 1 - sampleMax);
  const start = fromSeq + Math.floor(random() * (spare + 1));
  return { fromSeq: start, toSeq: Math.min(toSeq, start + sampleMax - 1) };
}

async function read(bus: Pick<Bus, 'readUsage'>, range: SequenceRange): Promise<UsageMessage[]> {
  const messages: UsageMessage[] = [];
  for await (const message of bus.readUsage(range)) messages.push(message);
  return messages;
}
