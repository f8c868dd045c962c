import type { Bus } from '@tollgate/bus';
import { type ConfigSnapshot, providerByName } from '@tollgate/config';
import { Dispatch, IdempotencyOwner, type Receipt, Reclaim, Surface, type UsageEvent } from '@tollgate/contracts';
import { TollgateError, toErrorDetail } from '@tollgate/errors';
import type { Logger } from '@tollgate/telemetry';
import type { Endpoints } from '../adapters/endpoints.ts';
import { hopsMax } from '../adapters/hand-on.ts';
import type { UpstreamMetrics } from '../adapters/metrics.ts';
import { Claims } from '../domain/claims.ts';
import { noTokens } from '../domain/usage.ts';
import type { Conclude } from './conclude.ts';
import type { Keep } from './keep.ts';
import { reportRunning } from './report.ts';
import { Run } from './run.ts';
import type { Serve } from './serve.ts';

export interface OwnerDependencies {
  bus: Bus;
  endpoints: Endpoints;
  serve: Serve;
  conclude: Conclude;
  keep: Keep;
  /** Begins requests in the background, and answers for them. */
  background: { serve(run: Run): Promise<void> };
  metrics: UpstreamMetrics;
  logger: Logger;
  runsMax: number;
  /** Bodies of all owned requests together. */
  bodyBytesMax: number;
}

const surfaces: ReadonlySet<Surface> = new Set([
  Surface.CHAT_COMPLETIONS,
  Surface.RESPONSES,
  Surface.EMBEDDINGS,
  Surface.STORED_RESPONSES,
  Surface.MESSAGES,
  Surface.COUNT_TOKENS,
]);

/** The caller is gone, as opposed to the request: a retry with the same idempotency key finds what becomes of it. */
const leaves: ReadonlySet<string> = new Set(['client_gone', 'ingress_gone']);

/** Takes dispatches, owns their requests until they end, and knows which it must never own. */
export class Owner {
  readonly #dependencies: OwnerDependencies;
  readonly #runs = new Map<string, Run>();
  readonly #claims = new Claims();
  #bodyBytes = 0;
  #draining = false;
  #idle: PromiseWithResolvers<void> | undefined;

  constructor(dependencies: OwnerDependencies) {
    this.#dependencies = dependencies;
  }

  get running(): number {
    return this.#runs.size;
  }

  /** Handler of tg.v1.idempotency.owner: silence where the request is not owned here. */
  readonly tellOwned = (bytes: Uint8Array, reply: string): void => {
    const { requestId } = IdempotencyOwner.decode(bytes);
    if (this.#runs.has(requestId)) this.#dependencies.bus.reply(reply, Uint8Array.of(1));
  };

  /** Receipts of all requests owned at this moment. */
  receipts(): Receipt[] {
    // What is begun in the background lives on after this run, or ends before it: its queue is read for its receipt.
    const owned = [...this.#runs.values()].filter(
      ({ dispatch }) => dispatch.background === undefined || dispatch.stored,
    );
    return owned.flatMap(({ row }) => row.receipt ?? []);
  }

  /** Tells of the attempts that began before this moment of performance.now(). */
  readonly tellRunning = (startedBefore: number): void => {
    for (const run of this.#runs.values()) {
      const { attempt, target } = run;
      if (attempt && target && attempt.startedAt < startedBefore) reportRunning(this.#dependencies.bus, run, target);
    }
  };

  /** Handler of tg.v1.dispatch.<provider>. */
  readonly take = (bytes: Uint8Array): void => {
    const dispatch = Dispatch.decode(bytes);
    if (!this.#isNew(dispatch)) return;
    const why = this.#refusal(dispatch);
    if (why) {
      this.#reject(dispatch, why);
      return;
    }
    const snapshot = this.#dependencies.bus.config.at(dispatch.revision);
    if (!(snapshot instanceof Promise)) this.#ownOrLeave(dispatch, snapshot);
    else
      snapshot.then(
        (known) => this.#isNew(dispatch) && this.#ownOrLeave(dispatch, known),
        (error: unknown) => this.#reject(dispatch, error),
      );
  };

  /** Handler of tg.v1.reclaim: whose is it? What is not ours now can never become ours by the first dispatch. */
  readonly reclaim = (bytes: Uint8Array): void => {
    const { requestId, pipelineInbox } = Reclaim.decode(bytes);
    const run = this.#runs.get(requestId);
    if (this.#claims.isOurs(requestId, Date.now())) this.#accept(requestId, pipelineInbox, run?.dispatch.dispatch ?? 1);
    else this.#claims.disown(requestId, Date.now());
  };

  /** Refuses what is new from here on; resolves when nothing is owned any more, or after `timeoutMs`. */
  async drain(timeoutMs: number): Promise<void> {
    this.#draining = true;
    if (this.#runs.size === 0) return;
    this.#idle ??= Promise.withResolvers<void>();
    const timer = setTimeout(this.#idle.resolve, timeoutMs);
    await this.#idle.promise;
    clearTimeout(timer);
    this.#idle = undefined;
  }

  /** Ends what still runs: each caller gets an honest error, each request its row. */
  async interrupt(): Promise<void> {
    const left = [...this.#runs.values()];
    if (left.length > 0)
      this.#dependencies.logger.warn({ requests: left.length }, 'interrupting what did not finish in time');
    for (const run of left) run.stop('shutdown');
    await this.drain(1000);
  }

  /** Looked at again after each wait: a reclaim or a second dispatch may have come meanwhile. */
  #isNew({ requestId, pipelineInbox, acceptByMs, dispatch }: Dispatch): boolean {
    const nowMs = Date.now();
    const known = nowMs > acceptByMs ? 'late' : this.#claims.judge(requestId, dispatch, nowMs);
    if (known === 'new') return true;
    this.#dependencies.metrics.turnedAway(known);
    if (known === 'repeated') this.#accept(requestId, pipelineInbox, dispatch);
    return false;
  }

  #refusal({ bodyBytes, surface, hops, usage, targets }: Dispatch): TollgateError | undefined {
    const { bus, runsMax, bodyBytesMax } = this.#dependencies;
    if (this.#draining) return busy('this replica is draining');
    if (bus.usage.full()) return busy('usage is not being acknowledged');
    if (this.#runs.size >= runsMax) return busy('too many requests are running');
    if (this.#bodyBytes + bodyBytes > bodyBytesMax) return busy('the bodies of running requests fill their bound');
    if (hops > hopsMax) return new TollgateError('upstream_misconfigured', { internal: 'handed on too often' });
    if (usage?.receipt && targets.length > 0 && surfaces.has(surface)) return undefined;
    return new TollgateError('internal_error', {
      internal: `dispatch without receipt or target, or of surface ${surface}`,
    });
  }

  /** What only a missing credential leads to is left to a replica that may have it; with another target it is that one's turn. */
  #ownOrLeave(dispatch: Dispatch, snapshot: ConfigSnapshot): void {
    const { targets } = dispatch;
    // An unknown provider fails as an attempt, and a credential that is on its way is waited for there.
    const provider = targets.length === 1 ? providerByName(snapshot, targets[0]?.provider ?? '') : undefined;
    const key = provider && this.#dependencies.endpoints.keyOf(provider);
    if (key && 'missing' in key)
      this.#reject(dispatch, new TollgateError('upstream_misconfigured', { internal: key.missing }));
    else this.#own(dispatch, snapshot);
  }

  #own(dispatch: Dispatch, snapshot: ConfigSnapshot): void {
    const { bus } = this.#dependencies;
    const { requestId, ingressInbox, pipelineInbox, bodyBytes, body, hops } = dispatch;
    const answer = bus.owned.open({
      requestId,
      ingressInbox,
      firstSequence: 1,
      onCancel: (reason) => this.#cancel(requestId, reason),
    });
    const run = new Run(dispatch, dispatch.usage as UsageEvent, snapshot, answer);
    this.#runs.set(requestId, run);
    this.#claims.own(requestId);
    this.#bodyBytes += bodyBytes;
    const parts = body.length < bodyBytes ? bus.bodies.receive(requestId, bodyBytes, pipelineInbox) : undefined;
    this.#accept(requestId, pipelineInbox, dispatch.dispatch);
    // ingress knows the first owner by frame 0 and must hear of another one.
    if (hops > 0) this.#accept(requestId, ingressInbox, 0);
    void this.#serve(run, parts).finally(() => this.#release(run));
  }

  async #serve(run: Run, parts: Promise<Uint8Array> | undefined): Promise<void> {
    try {
      const bytes = parts === undefined ? run.dispatch.body : await parts;
      run.body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      const { serve, background } = this.#dependencies;
      await (run.dispatch.background ? background : serve).serve(run);
    } catch (error) {
      this.#broken(run, error);
    }
    await this.#dependencies.keep.ended(run);
  }

  /** The body did not come, or something here is wrong: an end and a row all the same, unless there are some already. */
  #broken(run: Run, error: unknown): void {
    const { conclude, logger } = this.#dependencies;
    const { requestId, row, stopped } = run;
    const level = error instanceof TollgateError ? 'warn' : 'error';
    logger[level]({ err: error, requestId }, 'request failed in upstream');
    if (row.finishedAtMs > 0) return;
    if (stopped !== '' && stopped !== 'shutdown') conclude.cancelled(run, undefined, noTokens);
    else conclude.failed(run, error);
  }

  #release(run: Run): void {
    const { requestId, answer, dispatch } = run;
    // Still open: somebody else owns it now.
    if (!answer.closed) answer.cancel('handed_on');
    run.recording?.close();
    this.#runs.delete(requestId);
    this.#claims.ended(requestId, Date.now());
    this.#bodyBytes -= dispatch.bodyBytes;
    if (this.#runs.size === 0) this.#idle?.resolve();
  }

  #cancel(requestId: string, reason: string): void {
    const run = this.#runs.get(requestId);
    if (run?.recording && leaves.has(reason)) return;
    this.#dependencies.bus.bodies.forget(requestId);
    run?.stop(reason);
  }

  #accept(requestId: string, toInbox: string, dispatch: number): void {
    const { bus } = this.#dependencies;
    const value = { replica: bus.replica, controlSubject: bus.inbox, dispatch };
    bus.mailbox.send(toInbox, { requestId, body: { $case: 'accepted', value } });
  }

  #reject({ requestId, pipelineInbox, dispatch }: Dispatch, error: unknown): void {
    const { bus, metrics, logger } = this.#dependencies;
    const detail = toErrorDetail(error);
    metrics.turnedAway('rejected');
    logger.warn({ requestId, code: detail.code, why: detail.internal }, 'a dispatch was not taken');
    bus.mailbox.send(pipelineInbox, { requestId, body: { $case: 'rejected', value: { error: detail, dispatch } } });
  }
}

function busy(internal: string): TollgateError {
  return new TollgateError('overloaded', { retryAfterMs: 1000, internal });
}
