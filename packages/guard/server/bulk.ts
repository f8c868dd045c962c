import { GuardRequest } from '@tollgate/contracts';
import { errorResult, overloaded } from '../faults.ts';
import { timeoutMsDefault } from '../wire/bounds.ts';
import { readEnvelope } from '../wire/envelope.ts';
import type { ReplySink, Runner } from './runner.ts';

/**
 * For guards that look at large texts in threads: gets a bulk request as encoded GuardRequest (memory of its own, may be
 * transferred), and the same without its call as `envelope`. Gives the encoded GuardReply with the same id. `deadlineMs`
 * is on the clock of performance.now().
 */
export type EncodedHandler = (
  request: Uint8Array<ArrayBuffer>,
  envelope: GuardRequest,
  deadlineMs: number,
) => Promise<Uint8Array>;

export type BulkSink = ReplySink & { replyEncoded(id: number, bytes: Uint8Array): void };

/** Large requests: to the encoded handler where the guard has one, else decoded here and run like any other. */
export class BulkRunner {
  readonly #runner: Runner;
  readonly #handle: EncodedHandler | undefined;
  readonly #runningMax: number;
  #running = 0;

  /** `runningMax`: large requests handled or waiting at once; beyond it `overloaded`. */
  constructor(runner: Runner, handle: EncodedHandler | undefined, runningMax: number) {
    this.#runner = runner;
    this.#handle = handle;
    this.#runningMax = runningMax;
  }

  get running(): number {
    return this.#running;
  }

  run(id: number, bytes: Uint8Array<ArrayBuffer>, sink: BulkSink): void {
    try {
      this.#run(id, bytes, performance.now(), sink);
    } catch (fault) {
      // Bytes that are no request: the fault of this one caller, not of the connection that others share.
      sink.reply(id, this.#runner.failed(fault));
    }
  }

  #run(id: number, bytes: Uint8Array<ArrayBuffer>, receivedAtMs: number, sink: BulkSink): void {
    if (this.#handle === undefined) {
      this.#runner.run({ ...GuardRequest.decode(bytes), id }, receivedAtMs, sink);
    } else if (this.#running >= this.#runningMax) {
      sink.reply(id, errorResult(this.#runner.kind, overloaded(this.#runner.kind)));
    } else {
      const envelope = readEnvelope(bytes);
      const deadlineMs = receivedAtMs + (envelope.timeoutMs || timeoutMsDefault);
      void this.#await(this.#handle(bytes, envelope, deadlineMs), id, deadlineMs, sink);
    }
  }

  async #await(pending: Promise<Uint8Array>, id: number, deadlineMs: number, sink: BulkSink): Promise<void> {
    this.#running++;
    try {
      const reply = await pending;
      if (performance.now() < deadlineMs) sink.replyEncoded(id, reply);
      else sink.dropped(id);
    } catch (fault) {
      sink.reply(id, this.#runner.failed(fault));
    } finally {
      this.#running--;
    }
  }
}
