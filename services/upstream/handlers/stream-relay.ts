import type { IncomingHttpHeaders } from 'node:http';
import { ByteRuns } from '../domain/stream/byte-runs.ts';
import type { Step, StreamReader } from '../domain/stream/reader.ts';
import { readEvent, SseSplitter } from '../domain/stream/sse.ts';
import { Outflow, type OutflowSink } from './outflow.ts';

export interface StreamSink extends OutflowSink {
  /** Called once, before the first content, with the provider's headers. */
  head(headers: IncomingHttpHeaders): void;
}

export interface StreamRelayOptions {
  reader: StreamReader;
  sink: StreamSink;
  /** The provider's. */
  headers: IncomingHttpHeaders;
  eventBytesMax: number;
  /** The provider may be read again. */
  onRoom(): void;
}

export interface Pushed {
  /** The stream is over, in one way or another. */
  step?: Step;
  /** False: read no more until onRoom. */
  hasRoom: boolean;
}

/**
 * Before the first content events are kept, up to this many bytes (response.created repeats tools and instructions);
 * beyond it they go out, and failover is over.
 */
const heldBytesMax = 8 * 1024 * 1024;

/** Carries a provider's events to the caller: nothing before the first content, then each as it comes. */
export class StreamRelay {
  contentSent = false;
  readonly #options: StreamRelayOptions;
  readonly #splitter: SseSplitter;
  readonly #out = new ByteRuns();
  readonly #outflow: Outflow;
  #over: Step | undefined;

  constructor(options: StreamRelayOptions) {
    this.#options = options;
    this.#splitter = new SseSplitter(options.eventBytesMax);
    this.#outflow = new Outflow(options.sink, options.onRoom);
  }

  /** It is the caller who has no room. */
  get waiting(): boolean {
    return this.#outflow.stopped;
  }

  push(chunk: Buffer): Pushed {
    try {
      this.#splitter.push(chunk, this.#take);
    } catch (error) {
      this.#over ??= { kind: 'garbage', reason: (error as Error).message };
    }
    if (this.#over) return { step: this.#over, hasRoom: true };
    if (!this.contentSent || this.#out.bytes === 0) return { hasRoom: true };
    return { hasRoom: this.#outflow.push(this.#out.take()) };
  }

  /** The provider closed the connection in good order. Undefined: without a last event. */
  ended(): Step | undefined {
    return this.#over ?? this.#options.reader.ended();
  }

  /** What is left to be sent after the last event was seen, that event at its end. */
  takeTail(): Buffer {
    if (!this.contentSent) this.#commit();
    this.#outflow.flush();
    return this.#out.take();
  }

  /** The stream broke: what came whole still belongs to the caller, unless another target may begin anew. */
  flush(): void {
    if (!this.contentSent) return;
    this.#outflow.flush();
    if (this.#out.bytes > 0) this.#options.sink.write(this.#out.take());
  }

  readonly #take = (buffer: Buffer, start: number, end: number): void => {
    if (this.#over) return;
    const event = readEvent(buffer, start, end);
    const step = this.#options.reader.read(event, this.contentSent);
    switch (step.kind) {
      case 'pass':
        // Comments before the content are nobody's: ingress has its own pings.
        if (step.inserted) this.#out.addWith(step.inserted, buffer, start, end);
        else if (event.data !== undefined || this.contentSent) this.#add(step.rewritten, buffer, start, end);
        if (!this.contentSent && (step.content || this.#out.bytes > heldBytesMax)) this.#commit();
        break;
      case 'last':
        this.#add(step.rewritten, buffer, start, end);
        this.#over = step;
        break;
      case 'error':
      case 'garbage':
        this.#over = step;
        break;
    }
  };

  #add(rewritten: Buffer | undefined, buffer: Buffer, start: number, end: number): void {
    if (rewritten) this.#out.add(rewritten, 0, rewritten.length);
    else this.#out.add(buffer, start, end);
  }

  #commit(): void {
    this.contentSent = true;
    this.#options.sink.head(this.#options.headers);
  }
}
