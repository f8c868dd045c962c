import type { IncomingHttpHeaders } from 'node:http';
import { ByteRuns } from '../domain/stream/byte-runs.ts';
import type { Step, StreamReader } from '../domain/stream/reader.ts';
import { readEvent, SseSplitter } from '../domain/stream/sse.ts';

export interface StreamSink {
  /** Called once, before the first content, with the provider's headers. */
  head(headers: IncomingHttpHeaders): void;
  /** False: wait for drained() before more is read. */
  write(content: Buffer): boolean;
  drained(): Promise<void>;
}

export interface Pushed {
  /** The stream is over, in one way or another. */
  step?: Step;
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
  /** The caller has no room. */
  waiting = false;
  readonly #reader: StreamReader;
  readonly #sink: StreamSink;
  readonly #headers: IncomingHttpHeaders;
  readonly #splitter: SseSplitter;
  readonly #out = new ByteRuns();
  #over: Step | undefined;

  constructor(reader: StreamReader, sink: StreamSink, headers: IncomingHttpHeaders, eventBytesMax: number) {
    this.#reader = reader;
    this.#sink = sink;
    this.#headers = headers;
    this.#splitter = new SseSplitter(eventBytesMax);
  }

  push(chunk: Buffer): Pushed {
    try {
      this.#splitter.push(chunk, this.#take);
    } catch (error) {
      this.#over ??= { kind: 'garbage', reason: (error as Error).message };
    }
    if (this.#over) {
      // What is whole belongs to the caller; before the first content there may still be another target.
      if (this.contentSent && this.#over.kind !== 'last') this.#flush();
      return { step: this.#over, hasRoom: true };
    }
    return { hasRoom: this.contentSent ? this.#flush() : true };
  }

  /** The provider closed the connection in good order. Undefined: without a last event. */
  ended(): Step | undefined {
    return this.#over ?? this.#reader.ended();
  }

  /** What is left to be sent when the last event was seen. Sends the head when nothing else was sent. */
  takeTail(): Buffer {
    if (!this.contentSent) this.#commit();
    return this.#out.take();
  }

  readonly #take = (buffer: Buffer, start: number, end: number): void => {
    if (this.#over) return;
    const event = readEvent(buffer, start, end);
    const step = this.#reader.read(event, this.contentSent);
    switch (step.kind) {
      case 'pass':
        // Comments before the content are nobody's: ingress has its own pings.
        if (event.data !== undefined || this.contentSent) this.#add(step.rewritten, buffer, start, end);
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
    this.#sink.head(this.#headers);
  }

  #flush(): boolean {
    if (this.#out.bytes === 0) return true;
    const hasRoom = this.#sink.write(this.#out.take());
    this.waiting = !hasRoom;
    return hasRoom;
  }
}
