import type { BackgroundStore } from '@tollgate/bus';
import { BackgroundChunk, BackgroundState } from '@tollgate/contracts';
import { errorTable } from '@tollgate/errors';
import type { Records } from '../../adapters/background/records.ts';
import { errorEvent, lastEvent } from '../../domain/background/response-object.ts';
import { Resume } from '../../domain/background/resume.ts';
import { isOver } from '../../domain/background/state.ts';
import { parseRecord } from '../../domain/json.ts';
import type { Run } from '../run.ts';

export interface FollowDependencies {
  store: Pick<BackgroundStore, 'follow'>;
  records: Pick<Records, 'state' | 'response'>;
}

export interface Followed {
  requestId: string;
  state: BackgroundState;
  /** The number of the event behind which it goes on; undefined: from the beginning. */
  startingAfter: number | undefined;
}

const lostText = 'The run that wrote this text was lost and is made anew: read the events from the beginning.';
const cancelledText = 'The response was cancelled.';

/**
 * Writes the events of a response to its reader as they are kept, until it is over or the reader has left.
 * @returns what is left to be written, as the last of it
 * @throws Error when JetStream is away
 */
export async function follow(
  { store, records }: FollowDependencies,
  reader: Run,
  { requestId, state, startingAfter }: Followed,
): Promise<Buffer> {
  const { answer } = reader;
  const left = new AbortController();
  reader.onStop = () => left.abort();
  if (reader.stopped !== '') left.abort();
  // What waits to be run was not run yet, or was begun and given back: then another run will write.
  const run = state.status === 'queued' ? state.runs + 1 : state.runs;
  const resume = new Resume(startingAfter, run, state.sequence);
  const broken = () => errorEvent('gateway_interrupted', lostText, resume.sequence + 1);
  if (resume.lost) return broken();
  for await (const { part, bytes } of store.follow(requestId, ['e.*', 'state'], left.signal)) {
    if (part === 'state') {
      const now = BackgroundState.decode(bytes);
      if (isOver(now)) return lastOf(records, requestId, now, resume);
      continue;
    }
    const resumed = resume.read(BackgroundChunk.decode(bytes));
    if (resumed.kind === 'lost') return broken();
    if (resumed.bytes.length > 0 && !answer.write(resumed.bytes)) await answer.drained();
  }
  return Buffer.alloc(0);
}

async function lastOf(
  records: Pick<Records, 'response'>,
  requestId: string,
  state: BackgroundState,
  { sequence }: Resume,
): Promise<Buffer> {
  if (state.status === 'cancelled') return errorEvent('client_closed_request', cancelledText, sequence + 1);
  const whole = await records.response(requestId, state);
  const response = whole && parseRecord(whole.toString('utf8'));
  if (!response) return errorEvent('internal_error', errorTable.internal_error.message, sequence + 1);
  // Whoever has seen the last event already is told of no other.
  return sequence >= state.lastSequence ? Buffer.alloc(0) : lastEvent(state.status, response, state.lastSequence);
}
