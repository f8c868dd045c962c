import { frameBytesMax } from '@tollgate/bus';

export interface OutflowSink {
  /** False: there is no room for more until drained(). */
  write(content: Buffer): boolean;
  drained(): Promise<void>;
}

/**
 * Above the first the provider is not read any more, below the second it is again. Between them must lie more than the
 * 64 KiB that a socket reads at once: the client puts back what it was stopped in, and with smaller steps it would copy its
 * whole buffer for each of them, and let it grow.
 */
const queuedBytesMax = 160 * 1024;
const resumedBytes = 32 * 1024;

/** What stands between a provider that is fast and a caller that is slow: a bounded queue. */
export class Outflow {
  readonly #sink: OutflowSink;
  readonly #onRoom: () => void;
  #queue: Buffer[] = [];
  #queuedBytes = 0;
  #waiting = false;
  /** The provider was told to wait. */
  stopped = false;

  /** @param onRoom the provider may be read again */
  constructor(sink: OutflowSink, onRoom: () => void) {
    this.#sink = sink;
    this.#onRoom = onRoom;
  }

  /** @returns false: read no more until onRoom */
  push(content: Buffer): boolean {
    this.#queue.push(content);
    this.#queuedBytes += content.length;
    this.#pump();
    this.stopped = this.#queuedBytes > queuedBytesMax;
    return !this.stopped;
  }

  /** The provider is done: what is left goes out now, it is no more than the bound. */
  flush(): void {
    for (const content of this.#queue) this.#sink.write(content);
    this.#queue = [];
    this.#queuedBytes = 0;
  }

  #pump(): void {
    while (!this.#waiting && this.#queuedBytes > 0) {
      if (!this.#sink.write(this.#next())) this.#wait();
    }
  }

  /** At most a frame, so that the caller's window is never passed by more than that. */
  #next(): Buffer {
    const first = this.#queue[0] as Buffer;
    const content = first.subarray(0, frameEnd(first));
    if (content.length === first.length) this.#queue.shift();
    else this.#queue[0] = first.subarray(content.length);
    this.#queuedBytes -= content.length;
    return content;
  }

  #wait(): void {
    this.#waiting = true;
    void this.#sink.drained().then(() => {
      this.#waiting = false;
      this.#pump();
      if (!this.stopped || this.#queuedBytes > resumedBytes) return;
      this.stopped = false;
      this.#onRoom();
    });
  }
}

/**
 * Where the last event that fits into a frame ends: what waits for the caller waits between two events, so that a ping or an
 * error may stand there. An event larger than a frame is cut at the bound.
 */
function frameEnd(content: Buffer): number {
  if (content.length <= frameBytesMax) return content.length;
  for (const end of ['\n\n', '\n\r\n']) {
    const at = content.lastIndexOf(end, frameBytesMax - end.length);
    if (at >= 0) return at + end.length;
  }
  return frameBytesMax;
}
