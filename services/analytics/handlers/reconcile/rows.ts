import type { Bus, UsageMessage } from '@tollgate/bus';
import { usageConsumers } from '@tollgate/bus';
import {
  type Finding,
  type LackingMessage,
  type LedgerClient,
  missingSequences,
  type SequenceRange,
  shortMessages,
  standingRows,
  type UsageRow,
  type WrongFigure,
  wrongFigure,
} from '@tollgate/ledger';
import { rowsOf } from '../../domain/rows.ts';

export interface RowsOptions {
  ledger: { ask<T>(question: (client: LedgerClient) => Promise<T>): Promise<T> };
  bus: Pick<Bus, 'readUsage' | 'usageAckFloor' | 'usageMessage' | 'usageState'>;
  /**
   * Messages that lack rows and were looked up before, with how many of their requests had rows then: later versions of all the others stand. Kept from
   * run to run, so that each looks up others; at most {@link knownMax} of them.
   */
  replaced: Map<number, number>;
  /** Of one run: messages that lack rows, and messages whose every event is looked up whatever the ledger says of them. */
  bounds?: { lookUpsMax: number; sampleMax: number };
  random(): number;
}

/** The newest messages that are looked at, in steps that each are two queries. */
const messagesMax = 1_000_000;
const stepMax = 100_000;
/**
 * A message loses rows only to later versions of its requests, or for good: both are rare, and what is not looked up now is in the next run. The
 * sample is for rows of the version before, which do not say how many came with their message.
 */
const boundsDefault = { lookUpsMax: 20_000, sampleMax: 2000 };
/** Some 10 MB. */
const knownMax = 200_000;
/** Asked from JetStream at once. */
const askedMax = 500;
/** Told one by one. */
const toldMax = 100;

/**
 * Holds the rows against the messages of USAGE that the ledger has acknowledged: each event has its row, of its version or a higher one. The ledger
 * itself says which messages lack rows; these alone are looked up, and a sample. Of what is looked up the figures are compared too.
 */
export async function compareRows(options: RowsOptions): Promise<Finding[]> {
  const { ledger, bus, replaced, random, bounds = boundsDefault } = options;
  const toSeq = await bus.usageAckFloor(usageConsumers.ledger);
  const { firstSeq } = await bus.usageState();
  const fromSeq = Math.max(1, firstSeq, toSeq - messagesMax + 1);
  const messages = Math.max(0, toSeq - fromSeq + 1);
  const lacking = await sequencesLacking(options, { fromSeq, toSeq });
  const open = lacking.messages.filter(({ seq, there }) => replaced.get(seq) !== there);

  const lookedUp = new Map<string, UsageRow>();
  const lost = new Map<string, UsageRow>();
  const wrong = new Map<string, { row: UsageRow; figure: WrongFigure }>();
  const lookUp = async (some: readonly UsageMessage[]) => {
    const { rows } = rowsOf(some);
    const standing = await ledger.ask((client) => standingRows(client, rows));
    for (const row of rows) {
      lookedUp.set(`${row.request_id} ${row.version}`, row);
      const found = standing.get(row.request_id);
      if (!found || found.version < row.version) lost.set(row.request_id, row);
      const figure = found && wrongFigure(found, row);
      if (figure) wrong.set(row.request_id, { row, figure });
    }
  };
  const now = open.slice(0, bounds.lookUpsMax);
  for (let start = 0; start < now.length; start += askedMax) {
    const some = now.slice(start, start + askedMax);
    const asked = await Promise.all(some.map(({ seq }) => bus.usageMessage(seq)));
    await lookUp(asked.filter((message) => message !== undefined));
    remember(replaced, some, lost);
  }
  if (messages > 0) await lookUp(await read(bus, sampleOf({ fromSeq, toSeq }, bounds.sampleMax, random)));

  const detail = `messages ${fromSeq} to ${toSeq}; of ${lookedUp.size} events that were looked up ${lost.size} have no row, ${wrong.size} other figures`;
  const unseen = open.length - now.length;
  const whole: Finding = {
    compared: 'rows',
    outcome: lost.size + wrong.size > 0 ? 'differs' : unseen > 0 ? 'skipped' : 'equal',
    what: '',
    expected: messages,
    found: messages - lacking.missing,
    detail: unseen > 0 ? `${detail}; ${unseen} further messages that lack rows are looked up in the next runs` : detail,
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
  const toldWrong = [...wrong.values()].slice(0, toldMax).map(
    ({ row, figure: { column, expected, found } }): Finding => ({
      compared: 'rows',
      outcome: 'differs',
      what: `request ${row.request_id}: ${column}`,
      expected,
      found,
      detail: `message ${row.stream_seq}, team ${row.team_id}, started ${row.started_at}: its row says something else than its event`,
    }),
  );
  return [whole, ...told, ...toldWrong];
}

/** Messages that no row came with, and those that fewer came with than were in them. */
async function sequencesLacking({ ledger }: RowsOptions, { fromSeq, toSeq }: SequenceRange) {
  const messages: LackingMessage[] = [];
  let missing = 0;
  for (let start = fromSeq; start <= toSeq; start += stepMax) {
    const range = { fromSeq: start, toSeq: Math.min(toSeq, start + stepMax - 1) };
    const gaps = await ledger.ask((client) => missingSequences(client, range, stepMax));
    missing += gaps.missing;
    for (const seq of gaps.first) messages.push({ seq, there: 0 });
    for (const message of await ledger.ask((client) => shortMessages(client, range))) messages.push(message);
  }
  return { messages, missing };
}

function remember(
  replaced: Map<number, number>,
  messages: readonly LackingMessage[],
  lost: ReadonlyMap<string, UsageRow>,
): void {
  const losing = new Set([...lost.values()].map(({ stream_seq }) => stream_seq));
  for (const { seq, there } of messages) if (!losing.has(seq)) replaced.set(seq, there);
  // The oldest were remembered first.
  for (const seq of replaced.keys()) {
    if (replaced.size <= knownMax) return;
    replaced.delete(seq);
  }
}

/** All of a short range, else a part of it that is another one each time. */
function sampleOf({ fromSeq, toSeq }: SequenceRange, sampleMax: number, random: () => number): SequenceRange {
  const spare = Math.max(0, toSeq - fromSeq + 1 - sampleMax);
  const start = fromSeq + Math.floor(random() * (spare + 1));
  return { fromSeq: start, toSeq: Math.min(toSeq, start + sampleMax - 1) };
}

async function read(bus: Pick<Bus, 'readUsage'>, range: SequenceRange): Promise<UsageMessage[]> {
  const messages: UsageMessage[] = [];
  for await (const message of bus.readUsage(range)) messages.push(message);
  return messages;
}
