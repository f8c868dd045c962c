import type { BackgroundStore } from '@tollgate/bus';
import type { ResponseIds } from '@tollgate/config';
import type { BackgroundState } from '@tollgate/contracts';
import { TollgateError } from '@tollgate/errors';
import type { Records, StateRecord } from '../../adapters/background/records.ts';
import {
  admissionEvents,
  firstSequence,
  queuedResponse,
  responseWith,
} from '../../domain/background/response-object.ts';
import { type JsonRecord, parseRecord } from '../../domain/json.ts';
import type { Run } from '../run.ts';

export interface BeginDependencies {
  store: Pick<BackgroundStore, 'enqueue'>;
  records: Records;
  ids: ResponseIds;
  now(): number;
}

/**
 * Writes a request down and puts it into the queue: from then on it is run, whatever dies. Returns what its caller is told.
 * @throws TollgateError `overloaded` when it could not be; then it will not be run
 */
export async function begin({ store, records, ids, now }: BeginDependencies, run: Run): Promise<JsonRecord> {
  const { requestId, dispatch, row, body } = run;
  const { receipt } = row;
  const [target] = dispatch.targets;
  if (!receipt || !target)
    throw new TollgateError('internal_error', { internal: 'in the background without a target' });
  const { provider, model } = target;
  const { teamId } = receipt;
  const admittedAtMs = now();
  const queued = queuedResponse(parseRecord(body.toString('utf8')) ?? {}, {
    id: ids.seal(teamId, { provider, model, providerId: requestId, borrowed: false, background: true }),
    createdAtMs: admittedAtMs,
    model,
    previousResponseId: dispatch.knownResponse?.callersId,
  });
  const state: BackgroundState = {
    ...{ status: 'queued', runs: 0, lost: 0, worker: '', keptAs: '', responseParts: 0 },
    ...{
      row,
      admittedAtMs,
      sequence: firstSequence,
      lastSequence: 0,
      chunk: 1,
      response: Buffer.from(JSON.stringify(queued)),
    },
  };
  let written: StateRecord | undefined;
  try {
    // Its key got its answer when it was begun: no run of it tells of it again.
    await records.putJob(requestId, { ...dispatch, idempotencyKey: undefined }, body);
    const events = admissionEvents(queued);
    const chunk = { run: 0, number: 0, content: events, nextSequence: firstSequence, textBytes: 0, target: undefined };
    await records.putChunk(requestId, chunk);
    written = await records.replaceState(requestId, state, 0);
    await store.enqueue({ requestId, receipt, provider });
    return queued;
  } catch (error) {
    await withdraw(records, requestId, written);
    const message = 'The request could not be put into the background. Send it again later.';
    throw new TollgateError('overloaded', { message, retryAfterMs: 5000, internal: String(error) });
  }
}

/** Its caller is told that it is not run, and it may be in the queue all the same. */
async function withdraw(records: Records, requestId: string, written: StateRecord | undefined): Promise<void> {
  if (!written) return;
  const { state, seq } = written;
  const response = Buffer.from(JSON.stringify(responseWith(parseRecord(String(state.response)) ?? {}, 'failed')));
  // Without a row: whoever meets it in the queue has none to publish.
  await records
    .replaceState(requestId, { ...state, status: 'failed', response, row: undefined }, seq)
    .catch(() => undefined);
}
