import type { BackgroundStore, Bus } from '@tollgate/bus';
import { findTarget, type ResponseIds } from '@tollgate/config';
import { type BackgroundState, Delivery, RequestStatus } from '@tollgate/contracts';
import { TollgateError } from '@tollgate/errors';
import type { Asks } from '../../adapters/background/asks.ts';
import { pause } from '../../adapters/background/persist.ts';
import type { Records, StateRecord } from '../../adapters/background/records.ts';
import { responseWith } from '../../domain/background/response-object.ts';
import { isOver } from '../../domain/background/state.ts';
import { endRow } from '../../domain/row.ts';
import { noTokens } from '../../domain/usage.ts';
import type { Conclude, Served } from '../conclude.ts';
import type { Run } from '../run.ts';
import type { Serve } from '../serve.ts';
import { snapshotOf } from './claim.ts';
import { end, queuedOf } from './end.ts';
import { type FollowDependencies, follow } from './follow.ts';
import { addLostAttempt } from './lost.ts';

export interface ByIdDependencies extends FollowDependencies {
  bus: Bus;
  store: Pick<BackgroundStore, 'follow' | 'publishRow' | 'purge'>;
  records: Records;
  asks: Pick<Asks, 'isRun'>;
  ids: ResponseIds;
  conclude: Conclude;
  serve: Serve;
}

/** The one that runs it writes the end within this; its caller is told what is known by then. */
const cancelledWithinMs = 3000;
const lookEveryMs = 25;
const never = new AbortController().signal;

/** Answers what is asked of a response that was made in the background. */
export class ById {
  readonly #dependencies: ByIdDependencies;

  constructor(dependencies: ByIdDependencies) {
    this.#dependencies = dependencies;
  }

  /** @throws TollgateError `not_found` for what is kept no more; `invalid_request` for what cannot be asked yet */
  async serve(run: Run): Promise<void> {
    const { records } = this.#dependencies;
    const { stored, background } = run.dispatch;
    const requestId = background?.requestId ?? '';
    const record = await records.state(requestId);
    if (!record) throw notFound();
    switch (stored?.action) {
      case 'cancel':
        return this.#tell(run, requestId, await this.#cancelled(requestId, record));
      case 'delete':
        return this.#delete(run, requestId, await this.#cancelled(requestId, record));
      case 'input_items':
        return this.#atProvider(run, record.state);
      default:
        if (stored?.stream) return this.#events(run, requestId, record.state);
        return this.#tell(run, requestId, record.state);
    }
  }

  async #tell(run: Run, requestId: string, state: BackgroundState): Promise<void> {
    const body = isOver(state)
      ? await this.#dependencies.records.response(requestId, state)
      : Buffer.from(JSON.stringify(responseWith(queuedOf(state), state.status)));
    if (!body) throw notFound();
    await this.#json(run, body);
  }

  async #json(run: Run, body: Buffer): Promise<void> {
    await this.#dependencies.conclude.json(run, servedBy(run), { 'content-type': 'application/json' }, body);
  }

  async #events(run: Run, requestId: string, state: BackgroundState): Promise<void> {
    const { conclude } = this.#dependencies;
    const served = servedBy(run);
    run.firstContentAtMs = Date.now();
    run.answer.response({ httpStatus: 200, headers: eventHeaders });
    const tail = await follow(this.#dependencies, run, {
      requestId,
      state,
      startingAfter: run.dispatch.stored?.startingAfter,
    });
    if (run.stopped === '') conclude.stream(run, served, tail, false);
    else conclude.cancelled(run, served.target, noTokens);
  }

  /** Twice is the same as once, and what is over stays what it is. Returns the state that it left. */
  async #cancelled(requestId: string, found: StateRecord): Promise<BackgroundState> {
    const { records, asks } = this.#dependencies;
    const until = Date.now() + cancelledWithinMs;
    let asked = false;
    for (let record: StateRecord | undefined = found; record; record = await records.state(requestId)) {
      const { state } = record;
      if (isOver(state)) return state;
      if (Date.now() >= until) return state;
      if (asked) await pause(lookEveryMs, never);
      else if (state.status === 'queued' || !(await asks.isRun(requestId, true))) {
        const ended = await this.#end(requestId, record);
        if (ended) return ended;
      } else asked = true;
    }
    throw notFound();
  }

  /** Nobody runs it. Undefined: somebody has begun meanwhile. */
  async #end(requestId: string, record: StateRecord): Promise<BackgroundState | undefined> {
    const { records, store, bus } = this.#dependencies;
    const { row, status, runs, sequence } = record.state;
    const job = await records.job(requestId);
    if (!row || !job) throw notFound();
    const last = runs > 0 ? await records.lastChunk(requestId) : undefined;
    if (status === 'in_progress') {
      const snapshot = await snapshotOf(bus.config, job.dispatch.revision);
      addLostAttempt(row, job.dispatch, last?.run === runs ? last : undefined, snapshot);
    }
    endRow(row, {
      ...{ status: RequestStatus.CANCELLED, httpStatus: 499, code: 'client_closed_request', delivered: Delivery.NONE },
      ...{ target: undefined, served: noTokens, firstContentAtMs: 0, upstreamUs: 0, nowMs: Date.now() },
    });
    const ending = { status: 'cancelled', response: undefined, error: null, row, keptAs: '' } as const;
    const numbered = { ...ending, lastSequence: last?.nextSequence ?? sequence };
    const { replica } = bus;
    return end({ records, store, replica }, requestId, record, numbered, AbortSignal.timeout(cancelledWithinMs));
  }

  /** Here at once; at its provider too where it is kept there. */
  async #delete(run: Run, requestId: string, state: BackgroundState): Promise<void> {
    const { bus, store } = this.#dependencies;
    // Who ended it may not have come to that, and then its row would stand nowhere.
    if (state.row) await store.publishRow(state.row, bus.replica);
    await store.purge(requestId);
    if (state.keptAs !== '') return this.#atProvider(run, state);
    const { callersId: id = '' } = run.dispatch.knownResponse ?? {};
    await this.#json(run, Buffer.from(JSON.stringify({ id, object: 'response', deleted: true })));
  }

  /** As any response that a provider keeps. @throws TollgateError `invalid_request` while there is none */
  async #atProvider(run: Run, { keptAs, status }: BackgroundState): Promise<void> {
    const { ids, serve } = this.#dependencies;
    const { dispatch, row, snapshot } = run;
    const issued = ids.open(row.receipt?.teamId ?? '', keptAs);
    if (!issued) {
      const message = `This response is ${status.replace('_', ' ')}: its input items can be read once it is completed.`;
      throw new TollgateError('invalid_request', { message, param: 'response_id' });
    }
    const { provider, model, providerId } = issued;
    const known = findTarget(snapshot, provider, model);
    const unknown = { provider, model, deployment: model, baseModel: model, region: '', probe: false };
    dispatch.background = undefined;
    dispatch.targets = [known ?? unknown];
    dispatch.knownResponse = { providerId, callersId: dispatch.knownResponse?.callersId ?? '' };
    await serve.serve(run);
  }
}

export const eventHeaders: Readonly<Record<string, string>> = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache',
};

/** Nobody worked for this answer. */
function servedBy({ dispatch: { targets } }: Run): Served {
  const [target] = targets;
  if (!target) throw new TollgateError('internal_error', { internal: 'a call by id without a target' });
  return { target, tokens: noTokens, costNanoUsd: 0, canonical: undefined };
}

/** The same text as for what was never there. */
function notFound(): TollgateError {
  const message = 'The response was not found. No response of this team has this id here.';
  return new TollgateError('not_found', { message, param: 'response_id' });
}
