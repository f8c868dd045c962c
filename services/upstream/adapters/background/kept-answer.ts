import type { BackgroundChunk, End, ResponseHead, Target } from '@tollgate/contracts';
import { refusalOf } from '../../domain/background/response-object.ts';
import { type KeptEvent, type LastEvent, RunEvents } from '../../domain/background/run-events.ts';
import type { RunAnswer } from '../../handlers/run.ts';
import { persist } from './persist.ts';
import type { Records } from './records.ts';

export interface KeptAnswerOptions {
  records: Pick<Records, 'putChunk'>;
  requestId: string;
  /** Which run writes, from 1. */
  run: number;
  firstSequence: number;
  firstChunk: number;
  eventBytesMax: number;
  /** Whom the run calls at this moment. */
  target(): Target | undefined;
  /** Nothing is tried any more. */
  signal: AbortSignal;
}

/** Events are gathered for so long: readers see text come, and a fast model does not cost a message a word. */
const gatherMs = 50;
/** Content of one piece; an event may go on in the next. */
const chunkBytesMax = 128 * 1024;
/** What waits to be written; then the provider is held back. */
const waitingBytesMax = 512 * 1024;

/** Where a run in the background answers to: its events are kept in pieces as they come, its end is left to who commits it. */
export class KeptAnswer implements RunAnswer {
  closed = false;
  cancelled = false;
  /** Why there is no answer. */
  failure: { code: string; message: string } | undefined;
  readonly #options: KeptAnswerOptions;
  readonly #events: RunEvents;
  #waiting: KeptEvent[] = [];
  #waitingBytes = 0;
  #number: number;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> | undefined;
  #room: PromiseWithResolvers<void> | undefined;

  constructor(options: KeptAnswerOptions) {
    this.#options = options;
    this.#number = options.firstChunk;
    this.#events = new RunEvents(options.firstSequence, options.eventBytesMax);
  }

  /** The provider's whole answer, or what it says of its failure. */
  get last(): LastEvent | undefined {
    return this.#events.last;
  }

  get nextSequence(): number {
    return this.#events.nextSequence;
  }

  get nextChunk(): number {
    return this.#number;
  }

  response(_head: ResponseHead): void {}

  write(content: Uint8Array): boolean {
    for (const event of this.#events.take(content)) {
      this.#waiting.push(event);
      this.#waitingBytes += event.bytes.length;
    }
    if (this.#waitingBytes >= chunkBytesMax) this.#start();
    else if (this.#waitingBytes > 0) this.#timer ??= setTimeout(() => this.#start(), gatherMs);
    return this.#hasRoom();
  }

  async drained(): Promise<void> {
    if (this.#hasRoom()) return;
    this.#room ??= Promise.withResolvers<void>();
    await this.#room.promise;
  }

  end({ error }: Omit<End, 'contentBytes'>): void {
    if (error) this.failure = { code: error.code, message: error.message };
    this.closed = true;
  }

  complete(answer: { response: ResponseHead; content: Uint8Array; end: Omit<End, 'contentBytes'> }): void {
    this.failure = refusalOf(answer.content);
    this.end(answer.end);
  }

  cancel(_reason: string): void {
    this.closed = true;
  }

  /** Everything that was written so far is kept. @throws Error when it could not be, and the replica stops */
  async kept(): Promise<void> {
    do {
      this.#start();
      await this.#writing;
    } while (this.#waiting.length > 0);
  }

  #hasRoom(): boolean {
    return this.#waitingBytes < waitingBytesMax;
  }

  #start(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#writing || this.#waiting.length === 0) return;
    this.#writing = this.#writeAll().finally(() => {
      this.#writing = undefined;
      this.#room?.resolve();
      this.#room = undefined;
    });
    // Who waits for it hears of it.
    this.#writing.catch(() => undefined);
  }

  async #writeAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const events = this.#waiting;
      this.#waiting = [];
      this.#waitingBytes = 0;
      const content = Buffer.concat(events.map(({ bytes }) => bytes));
      const nextSequence = events.at(-1)?.nextSequence ?? 0;
      for (let at = 0; at < content.length; at += chunkBytesMax) {
        await this.#put(content.subarray(at, at + chunkBytesMax), nextSequence);
      }
    }
  }

  #put(content: Buffer, nextSequence: number): Promise<void> {
    const { records, requestId, run, target, signal } = this.#options;
    const { textBytes } = this.#events;
    const chunk: BackgroundChunk = { run, number: this.#number++, content, nextSequence, textBytes, target: target() };
    return persist(() => records.putChunk(requestId, chunk), signal);
  }
}
