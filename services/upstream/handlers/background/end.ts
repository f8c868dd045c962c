import type { BackgroundStore } from '@tollgate/bus';
import type { BackgroundState, UsageEvent } from '@tollgate/contracts';
import { persist } from '../../adapters/background/persist.ts';
import type { Records, StateRecord } from '../../adapters/background/records.ts';
import { responseWith } from '../../domain/background/response-object.ts';
import { isRecord, type JsonRecord, parseRecord } from '../../domain/json.ts';

/** What came of a response, to be written once. */
export interface Ending {
  status: 'completed' | 'incomplete' | 'failed' | 'cancelled';
  /** The provider's; undefined: it gave none. */
  response: JsonRecord | undefined;
  error: { code: string; message: string } | null;
  row: UsageEvent;
  keptAs: string;
  /** Of its last event. */
  lastSequence: number;
}

/** A larger answer stands beside its state. */
const inlineBytesMax = 128 * 1024;

export interface EndDependencies {
  records: Pick<Records, 'putResponse' | 'replaceState'>;
  store: Pick<BackgroundStore, 'publishRow'>;
  replica: string;
}

/**
 * Ends a response in one message: its answer and its row, or neither, and only if nobody ended it before. Then the row is published;
 * whoever finds the state later publishes the same one again, which changes nothing.
 * @returns undefined when it was ended or begun anew by another replica
 * @throws Error once `signal` is aborted and JetStream is away
 */
export async function end(
  { records, store, replica }: EndDependencies,
  requestId: string,
  { state, seq }: StateRecord,
  { status, response, error, row, keptAs, lastSequence }: Ending,
  signal: AbortSignal,
): Promise<BackgroundState | undefined> {
  const answer = Buffer.from(JSON.stringify(response ?? responseWith(queuedOf(state), status, error)));
  const inline = answer.length <= inlineBytesMax;
  const responseParts = inline ? 0 : await persist(() => records.putResponse(requestId, answer), signal);
  const ended: BackgroundState = {
    ...state,
    ...{ status, row, keptAs, lastSequence, responseParts, worker: '' },
    response: inline ? answer : new Uint8Array(0),
  };
  const written = await persist(() => records.replaceState(requestId, ended, seq), signal);
  if (!written) return undefined;
  await persist(() => store.publishRow(row, replica), signal);
  return ended;
}

/** The response as it was queued: what its state holds until it is over. */
export function queuedOf({ response }: BackgroundState): JsonRecord {
  const queued = parseRecord(Buffer.from(response).toString('utf8'));
  return isRecord(queued) ? queued : {};
}
