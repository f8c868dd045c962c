import type { IncomingHttpHeaders } from 'node:http';
import type { Surface } from '@tollgate/contracts';
import type { Dispatcher } from 'undici';
import { type CallListener, type CallRequest, ProviderCall } from '../adapters/provider-call.ts';
import type { Sweep, Swept } from '../adapters/sweep.ts';
import type { Fault, Stage } from '../domain/fault.ts';
import { mediaType } from '../domain/headers.ts';
import { retryAfterMs } from '../domain/retry-after.ts';
import type { Step, StreamReader } from '../domain/stream/reader.ts';
import type { MeasuredUsage } from '../domain/usage.ts';
import type { Translation } from '../providers/index.ts';
import { type Collected, CollectedBody } from './collected-body.ts';
import { StreamRelay, type StreamSink } from './stream-relay.ts';

export interface AttemptOptions {
  surface: Surface;
  /** Undefined: a JSON answer is asked for. */
  reader: StreamReader | undefined;
  sink: StreamSink;
  /** Of what is collected; a stream's is its reader's. Undefined: the provider speaks OpenAI's wire. */
  translation?: Translation | undefined;
  /** A JSON answer, or one event of a stream. */
  answerBytesMax: number;
  /** Milliseconds since the epoch: until the first content, which for a JSON answer is all of it. */
  firstContentByMs: number;
  /** For the whole of a stream. */
  deadlineAtMs: number;
  idleMsMax: number;
  sweep: Sweep;
}

export type AttemptEnd =
  | Collected
  /** `tail`: what has not been sent yet, the stream's last event at its end. */
  | { kind: 'stream'; tail: Buffer; failed: boolean; usage: MeasuredUsage | undefined }
  /** stop() was called. */
  | { kind: 'stopped' };

/** After its last event a stream's connection may end by itself, so that it can be used again. */
const lingerMs = 1000;

/** One call to a provider on behalf of a request, until it is clear what came of it. Settles once. */
export class Attempt implements CallListener, Swept {
  readonly #options: AttemptOptions;
  readonly #call: ProviderCall;
  readonly #done = Promise.withResolvers<AttemptEnd>();
  /** Of performance.now(). */
  readonly startedAt = performance.now();
  #status = 0;
  #headers: IncomingHttpHeaders = {};
  #relay: StreamRelay | undefined;
  #body: CollectedBody | undefined;
  #settled = false;
  #ended = false;
  #stopAtMs = Number.POSITIVE_INFINITY;
  #quietSinceMs = 0;
  /** From the start to the end of the attempt. */
  latencyUs = 0;

  constructor(options: AttemptOptions) {
    this.#options = options;
    this.#call = new ProviderCall(this);
  }

  start(pool: Dispatcher, request: CallRequest): Promise<AttemptEnd> {
    // It was stopped while it waited for what it needs: nothing leaves any more.
    if (Number.isFinite(this.#stopAtMs)) this.#settle({ kind: 'stopped' });
    if (!this.#settled) {
      this.#options.sweep.add(this);
      this.#call.start(pool, request);
    }
    return this.#done.promise;
  }

  /** What the call needs is on its way: its time runs, and stop() ends it. */
  within<T>(needed: Promise<T>): Promise<T | AttemptEnd> {
    if (!this.#settled) this.#options.sweep.add(this);
    return Promise.race([needed, this.#done.promise]);
  }

  /** The request has begun to leave. */
  get sent(): boolean {
    return this.#call.sent;
  }

  /** The provider has begun a good answer. */
  get answering(): boolean {
    return this.#status === 200;
  }

  get contentSent(): boolean {
    return this.#relay?.contentSent ?? false;
  }

  /**
   * Gives the provider so long to end by itself. One that is held back has more to say than that: it is not read on only to be
   * thrown away, which many callers who leave at once would make much of.
   */
  stop(graceMs: number): void {
    if (graceMs <= 0 || this.#relay?.waiting) this.#settle({ kind: 'stopped' });
    else this.#stopAtMs = Math.min(this.#stopAtMs, Date.now() + graceMs);
  }

  sweep(nowMs: number): void {
    if (nowMs >= this.#stopAtMs) {
      if (this.#settled) this.#close();
      else this.#settle({ kind: 'stopped' });
    } else if (!this.#settled) this.#checkTime(nowMs);
  }

  onHead(status: number, headers: IncomingHttpHeaders): void {
    this.#status = status;
    this.#headers = headers;
    const { reader, answerBytesMax, translation } = this.#options;
    if (status === 200) {
      const wanted = reader ? 'text/event-stream' : 'application/json';
      const type = mediaType(headers);
      if (type !== wanted || headers['content-encoding'] !== undefined) {
        this.#fault({ kind: 'garbage', reason: `200 of type ${type || 'none'} instead of ${wanted}` });
        return;
      }
    }
    if (status === 200 && reader) this.#relay = this.#openRelay(reader, headers);
    else this.#body = new CollectedBody(status, headers, answerBytesMax, translation);
  }

  onData(chunk: Buffer): boolean {
    if (this.#settled) return true;
    this.#quietSinceMs = 0;
    if (this.#relay) return this.#stream(this.#relay, chunk);
    if (!this.#body?.push(chunk)) this.#fault({ kind: 'garbage', reason: 'the answer is larger than it may be' });
    return true;
  }

  onEnd(): void {
    this.#ended = true;
    this.#options.sweep.delete(this);
    if (this.#settled) return;
    if (this.#body) this.#settle(this.#body.end(this.#options.surface));
    else {
      const step = this.#relay?.ended();
      if (step) this.#endStream(step);
      else this.#fault({ kind: 'cut', reason: 'the stream ended before its last event' });
    }
  }

  onBroken(error: Error): void {
    this.#ended = true;
    this.#options.sweep.delete(this);
    const reason = (error as NodeJS.ErrnoException).code ?? error.name;
    this.#fault(this.#call.sent ? { kind: 'cut', reason } : { kind: 'unreachable', reason });
  }

  #openRelay(reader: StreamReader, headers: IncomingHttpHeaders): StreamRelay {
    const { sink, answerBytesMax: eventBytesMax } = this.#options;
    const onRoom = () => {
      this.#quietSinceMs = 0;
      this.#call.resume();
    };
    return new StreamRelay({ reader, sink, headers, eventBytesMax, onRoom });
  }

  #stream(relay: StreamRelay, chunk: Buffer): boolean {
    const { step, hasRoom } = relay.push(chunk);
    if (step) this.#endStream(step);
    return hasRoom;
  }

  #endStream(step: Step): void {
    if (step.kind === 'last') {
      const tail = this.#relay?.takeTail() ?? Buffer.alloc(0);
      this.#settle({ kind: 'stream', tail, failed: step.failed, usage: this.#options.reader?.usage });
    } else if (step.kind === 'error') {
      const { status, error, refusal } = step;
      const wait = retryAfterMs(this.#headers, Date.now());
      this.#fault({ kind: 'status', status, error, refusal, retryAfterMs: wait });
    } else if (step.kind === 'garbage') this.#fault(step);
  }

  #checkTime(nowMs: number): void {
    const { firstContentByMs, deadlineAtMs, idleMsMax } = this.#options;
    if (!this.contentSent) {
      if (nowMs >= firstContentByMs) this.#fault({ kind: 'timeout', stage: this.#stage() });
      return;
    }
    // Silence counts from the first sweep after something came, and not while it is the caller who has no room.
    if (this.#quietSinceMs === 0 || this.#relay?.waiting) this.#quietSinceMs = nowMs;
    const silent = nowMs - this.#quietSinceMs >= idleMsMax;
    if (silent || nowMs >= deadlineAtMs) this.#fault({ kind: 'timeout', stage: 'stream' });
  }

  #stage(): Stage {
    if (!this.#call.sent) return 'connecting';
    return this.#relay ? 'content' : 'answer';
  }

  #fault(fault: Fault): void {
    this.#settle({ kind: 'fault', fault });
  }

  #settle(end: AttemptEnd): void {
    if (this.#settled) return;
    this.#settled = true;
    this.latencyUs = Math.round((performance.now() - this.startedAt) * 1000);
    this.#relay?.flush();
    if (end.kind === 'stream' && !this.#ended) this.#stopAtMs = Date.now() + lingerMs;
    else this.#close();
    this.#done.resolve(end);
  }

  #close(): void {
    this.#options.sweep.delete(this);
    if (!this.#ended) this.#call.abort();
  }
}
