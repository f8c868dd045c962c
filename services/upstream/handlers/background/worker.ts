import type { BackgroundMessage, BackgroundStore, Bus } from '@tollgate/bus';
import { RequestStatus, type UsageEvent } from '@tollgate/contracts';
import { TollgateError, toErrorDetail } from '@tollgate/errors';
import type { Logger } from '@tollgate/telemetry';
import { KeptAnswer } from '../../adapters/background/kept-answer.ts';
import { pause, persist } from '../../adapters/background/persist.ts';
import type { Records } from '../../adapters/background/records.ts';
import type { UpstreamMetrics } from '../../adapters/metrics.ts';
import type { Conclude } from '../conclude.ts';
import { reportRunning } from '../report.ts';
import { Run } from '../run.ts';
import type { Serve } from '../serve.ts';
import { type Claimed, claim } from './claim.ts';
import { type Ending, end } from './end.ts';

export interface WorkerDependencies {
  bus: Bus;
  store: Pick<BackgroundStore, 'next' | 'publishRow'>;
  records: Records;
  serve: Serve;
  conclude: Conclude;
  metrics: UpstreamMetrics;
  logger: Logger;
  /** Runs of this replica at once; 0: it runs none. */
  runsMax: number;
  /** From admission to the end, milliseconds. */
  deadlineMs: number;
  eventBytesMax: number;
  serves(provider: string): boolean;
  /** Why no work can be taken; empty when it can. */
  unready(): string;
  isRunElsewhere(requestId: string): Promise<boolean>;
}

/** How long a replica waits for the next job before it looks at itself again. */
const nextWaitMs = 5000;
const workingEveryMs = 10_000;
/** A job that is not for this replica is offered to others. */
const offeredAgainMs = 500;
/** The replica that runs it still has to be heard of. */
const lookedAtAgainMs = 15_000;

interface Held {
  message: BackgroundMessage;
  run: Run | undefined;
  cancelled: boolean;
  /** Others are being asked whether they run it: it is not run here. */
  asking: boolean;
}

/** Runs requests of the background queue, each until it is over: its end is written before it leaves the queue. */
export class BackgroundWorker {
  readonly #dependencies: WorkerDependencies;
  readonly #held = new Map<string, Held>();
  readonly #stopping = new AbortController();
  /** Aborted when nothing is tried any more. */
  readonly #ending = new AbortController();
  #changed = Promise.withResolvers<void>();
  #working: NodeJS.Timeout | undefined;
  #interrupted = false;

  constructor(dependencies: WorkerDependencies) {
    this.#dependencies = dependencies;
  }

  start(): void {
    if (this.#dependencies.runsMax === 0) return;
    void this.#take();
    this.#working = setInterval(() => {
      for (const { message } of this.#held.values()) message.working();
    }, workingEveryMs);
  }

  /** Whether it runs here. With `cancel` it is to end now. */
  hold(requestId: string, cancel: boolean): boolean {
    const held = this.#held.get(requestId);
    if (!held || held.asking) return false;
    if (cancel) {
      held.cancelled = true;
      held.run?.stop('cancelled');
    }
    return true;
  }

  /** Tells of the attempts that began before this moment of performance.now(). */
  tellRunning(startedBefore: number): void {
    for (const { run } of this.#held.values()) {
      if (run?.attempt && run.target && run.attempt.startedAt < startedBefore)
        reportRunning(this.#dependencies.bus, run, run.target);
    }
  }

  /** Takes nothing new; resolves when nothing runs any more, or after `timeoutMs`. */
  async drain(timeoutMs: number): Promise<void> {
    this.#stopping.abort();
    const until = Date.now() + timeoutMs;
    while (this.#held.size > 0 && Date.now() < until)
      await Promise.race([this.#changed.promise, delay(until - Date.now())]);
  }

  /** What still runs is given back to the queue, with what it cost so far. */
  async interrupt(): Promise<void> {
    this.#interrupted = true;
    for (const { run } of this.#held.values()) run?.stop('shutdown');
    await this.drain(1000);
    this.#ending.abort();
    clearInterval(this.#working);
  }

  async #take(): Promise<void> {
    const { store, runsMax, unready, logger } = this.#dependencies;
    const { signal } = this.#stopping;
    for (let failures = 0; !signal.aborted; ) {
      if (unready() !== '' || this.#held.size >= runsMax) {
        await Promise.race([pause(250, signal), this.#changed.promise]);
        continue;
      }
      try {
        const message = await store.next(nextWaitMs);
        failures = 0;
        if (message && signal.aborted) message.giveBack(0);
        else if (message) this.#hold(message);
      } catch (error) {
        if (signal.aborted) return;
        if (failures++ === 0) logger.warn({ err: error }, 'no jobs of the background can be had; trying again');
        await pause(Math.min(5000, 100 * 2 ** Math.min(failures, 6)), signal);
      }
    }
  }

  #hold(message: BackgroundMessage): void {
    const { requestId } = message.job;
    // Given out again while it is here: NATS did not hear that it is being worked at.
    if (this.#held.has(requestId)) {
      message.giveBack(lookedAtAgainMs);
      return;
    }
    const held: Held = { message, run: undefined, cancelled: false, asking: false };
    this.#held.set(requestId, held);
    void this.#handle(held).finally(() => {
      this.#held.delete(requestId);
      this.#changed.resolve();
      this.#changed = Promise.withResolvers();
    });
  }

  async #handle(held: Held): Promise<void> {
    const { logger, serves } = this.#dependencies;
    const { message } = held;
    const { requestId, provider } = message.job;
    try {
      if (!serves(provider)) return message.giveBack(offeredAgainMs);
      const claimed = await this.#claim(requestId, held);
      switch (claimed.kind) {
        case 'elsewhere':
          return message.giveBack(lookedAtAgainMs);
        case 'gone':
          logger.warn({ requestId }, 'a job of the background has nothing kept of it; its lease becomes its row');
          break;
        case 'over':
          await this.#publish(claimed.state.row);
          break;
        case 'given_up':
          await this.#giveUp(claimed, claimed.code);
          break;
        case 'claimed':
          if (claimed.lostOne) this.#dependencies.metrics.backgroundRun('lost');
          switch (await this.#run(held, claimed)) {
            case 'handed_back':
              return message.giveBack(0);
            case 'taken':
              return message.giveBack(lookedAtAgainMs);
          }
      }
      await persist(() => message.done(), this.#ending.signal);
    } catch (error) {
      // It is still in the queue: somebody goes on with it.
      logger.error({ err: error, requestId }, 'a job of the background was not handled');
      message.giveBack(1000);
    }
  }

  #claim(requestId: string, held: Held) {
    const { records, bus, deadlineMs, isRunElsewhere } = this.#dependencies;
    const { config, replica } = bus;
    const isRun = async () => {
      held.asking = true;
      return isRunElsewhere(requestId).finally(() => {
        held.asking = false;
      });
    };
    return claim({ records, config, replica, isRun, deadlineMs, now: Date.now }, requestId);
  }

  /** Its end is written, and perhaps its row was not; one that was taken back at admission has none. */
  async #publish(row: UsageEvent | undefined): Promise<void> {
    const { store, bus } = this.#dependencies;
    if (row) await persist(() => store.publishRow(row, bus.replica), this.#ending.signal);
  }

  /** @returns `handed_back` for another replica to run it; `taken` when one has already begun or ended it */
  async #run(held: Held, claimed: Claimed): Promise<'over' | 'handed_back' | 'taken'> {
    const { serve, conclude, logger, metrics } = this.#dependencies;
    const { requestId, record } = claimed;
    const answer = this.#answerOf(claimed, () => run.target);
    const run = this.#runOf(claimed, answer);
    held.run = run;
    if (held.cancelled) run.stop('cancelled');
    if (this.#interrupted) run.stop('shutdown');
    try {
      await serve.serve(run);
    } catch (error) {
      logger.error({ err: error, requestId }, 'a run in the background failed in upstream');
      if (run.row.finishedAtMs === 0) conclude.failed(run, error);
    }
    await answer.kept();
    if (run.stopped === 'shutdown' && !answer.last) {
      await this.#handBack(claimed, run, answer);
      metrics.backgroundRun('handed_back');
      return 'handed_back';
    }
    const ending = endingOf(run, answer);
    if (!(await this.#end(requestId, record, ending))) {
      logger.warn({ requestId }, 'a run in the background was begun anew or ended by another replica');
      return 'taken';
    }
    metrics.backgroundRun(ending.status);
    return 'over';
  }

  #answerOf(
    { requestId, record: { state } }: Pick<Claimed, 'requestId' | 'record'>,
    target: () => Run['target'],
  ): KeptAnswer {
    const { records, eventBytesMax } = this.#dependencies;
    const { runs: run, sequence: firstSequence, chunk: firstChunk } = state;
    const { signal } = this.#ending;
    return new KeptAnswer({ records, requestId, run, firstSequence, firstChunk, eventBytesMax, target, signal });
  }

  #runOf({ dispatch, body, row, snapshot, record: { state } }: Claimed, answer: KeptAnswer): Run {
    const deadlineAtMs = state.admittedAtMs + this.#dependencies.deadlineMs;
    // Read as a stream, whatever its caller does: so what came of it so far is known at any time.
    const asked = { ...dispatch, stream: true, deadlineAtMs, firstContentByMs: deadlineAtMs, background: undefined };
    const run = new Run(asked, row, snapshot, answer);
    row.priceListVersion = snapshot.priceListVersion;
    row.finishedAtMs = 0;
    run.background = { responseId: responseIdOf(state.response), keptAs: '' };
    run.body = body;
    return run;
  }

  async #handBack({ requestId, record }: Claimed, run: Run, answer: KeptAnswer): Promise<void> {
    const { records } = this.#dependencies;
    const { state, seq } = record;
    const { nextSequence: sequence, nextChunk: chunk } = answer;
    const next = { ...state, status: 'queued', worker: '', row: run.row, sequence, chunk };
    await persist(() => records.replaceState(requestId, next, seq), this.#ending.signal);
  }

  async #giveUp(
    { requestId, record, row, dispatch, snapshot }: Claimed,
    code: 'gateway_interrupted' | 'upstream_timeout',
  ) {
    const { conclude, metrics } = this.#dependencies;
    const message =
      code === 'upstream_timeout'
        ? 'The response was not completed within the time that a run in the background may take.'
        : 'The gateway was interrupted each time that it worked at this response.';
    const answer = this.#answerOf({ requestId, record }, () => undefined);
    const run = new Run(dispatch, row, snapshot, answer);
    run.background = { responseId: '', keptAs: '' };
    conclude.failed(run, new TollgateError(code, { message }));
    await this.#end(requestId, record, endingOf(run, answer));
    metrics.backgroundRun('failed');
  }

  #end(requestId: string, record: Claimed['record'], ending: Ending) {
    const { records, store, bus } = this.#dependencies;
    return end({ records, store, replica: bus.replica }, requestId, record, ending, this.#ending.signal);
  }
}

function endingOf(run: Run, { last, failure, nextSequence: lastSequence }: KeptAnswer): Ending {
  const { row, background } = run;
  const none = { response: undefined, error: null, row, keptAs: '', lastSequence };
  if (last) {
    const keptAs = last.status === 'failed' ? '' : (background?.keptAs ?? '');
    return { ...none, status: last.status, response: last.response, keptAs };
  }
  if (row.status === RequestStatus.CANCELLED) return { ...none, status: 'cancelled' };
  const { code, message } = failure ?? toErrorDetail(new TollgateError('upstream_error'));
  return { ...none, status: 'failed', error: { code, message } };
}

function responseIdOf(response: Uint8Array): string {
  return String(JSON.parse(Buffer.from(response).toString('utf8')).id);
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, ms)).unref());
}
