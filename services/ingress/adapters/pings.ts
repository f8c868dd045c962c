/** Proxies and load balancers close what is silent for 30 or 60 s; a comment line every 15 s keeps them awake. */
const silenceMsMax = 15_000;
const tickMs = 1000;

export interface Pinged {
  /** When something was last written, milliseconds. */
  lastWriteMs: number;
  ping(): void;
}

/** One timer for all open streams, and none while there are none. */
export class Pings {
  readonly #streams = new Set<Pinged>();
  #timer: NodeJS.Timeout | undefined;

  add(stream: Pinged): void {
    this.#streams.add(stream);
    this.#timer ??= setInterval(() => this.#tick(), tickMs).unref();
  }

  delete(stream: Pinged): void {
    if (!this.#streams.delete(stream) || this.#streams.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #tick(): void {
    const before = Date.now() - silenceMsMax;
    for (const stream of this.#streams) {
      if (stream.lastWriteMs <= before) stream.ping();
    }
  }
}
