import type { GuardReply, GuardRequest } from '@tollgate/contracts';
import { errorResult, faultName, overloaded } from '../faults.ts';
import { timeoutMsDefault } from '../wire/bounds.ts';
import type { ServerCounters } from './counters.ts';

export type GuardResult = GuardReply['result'];

/** `deadlineMs` is on the clock of performance.now(): after it nobody waits for the answer. */
export type GuardHandler = (request: GuardRequest, deadlineMs: number) => GuardResult | Promise<GuardResult>;

/** Where the reply to a request goes. */
export type ReplySink = {
  reply(id: number, result: GuardResult): void;
  /** The request's answer came too late and was dropped: nothing will be sent for it. */
  dropped(id: number): void;
};

type Logger = { warn(fields: object, text: string): void };

export type RunnerOptions = {
  kind: string;
  handle: GuardHandler;
  /** Requests being handled at once; beyond it `overloaded`. */
  runningMax: number;
  counters: ServerCounters;
  logger: Logger;
};

/** Runs the guard's handler for one request and gives its answer, error or not, to the sink: exactly one of the two calls. */
export class Runner {
  readonly #options: RunnerOptions;
  #running = 0;

  constructor(options: RunnerOptions) {
    this.#options = options;
  }

  get kind(): string {
    return this.#options.kind;
  }

  get running(): number {
    return this.#running;
  }

  run(request: GuardRequest, receivedAtMs: number, sink: ReplySink): void {
    const { counters, kind, handle, runningMax } = this.#options;
    counters.requests++;
    if (this.#running >= runningMax) {
      counters.refused++;
      sink.reply(request.id, errorResult(kind, overloaded(kind)));
      return;
    }
    const deadlineMs = receivedAtMs + (request.timeoutMs || timeoutMsDefault);
    let result: GuardResult | Promise<GuardResult>;
    try {
      result = handle(request, deadlineMs);
    } catch (fault) {
      sink.reply(request.id, this.failed(fault));
      return;
    }
    if (result instanceof Promise) void this.#await(result, request.id, deadlineMs, sink);
    else sink.reply(request.id, result);
  }

  async #await(pending: Promise<GuardResult>, id: number, deadlineMs: number, sink: ReplySink): Promise<void> {
    this.#running++;
    let result: GuardResult;
    try {
      result = await pending;
    } catch (fault) {
      result = this.failed(fault);
    }
    this.#running--;
    if (performance.now() < deadlineMs) {
      sink.reply(id, result);
    } else {
      this.#options.counters.expired++;
      sink.dropped(id);
    }
  }

  /** What a handler threw, counted, logged without its text, and as a result. */
  failed(fault: unknown): GuardResult {
    const { counters, kind, logger } = this.#options;
    counters.failed++;
    const result = errorResult(kind, fault);
    if (result.value.internal !== '') logger.warn({ kind, fault: faultName(fault) }, 'guard handler failed');
    return result;
  }
}
