import { EngineException } from './exception.ts';

/** Admits so many queries at a time and lets so many others wait, in order; beyond that callers are told at once. */
export class Slots {
  #free: number;
  readonly #running: number;
  readonly #waitingMax: number;
  readonly #waiting: { admit: () => void }[] = [];

  constructor(runningMax: number, waitingMax: number) {
    this.#free = runningMax;
    this.#running = runningMax;
    this.#waitingMax = waitingMax;
  }

  /** @throws EngineException TOO_MANY_SIMULTANEOUS_QUERIES; ABORTED when the signal fires first */
  async acquire(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#free > 0) {
      this.#free--;
      return;
    }
    if (this.#waiting.length >= this.#waitingMax) {
      const message = `Too many simultaneous queries: ${this.#running} run and ${this.#waitingMax} wait`;
      throw EngineException.of('TOO_MANY_SIMULTANEOUS_QUERIES', message);
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const entry = { admit: resolve };
    const leave = () => {
      const index = this.#waiting.indexOf(entry);
      if (index >= 0) this.#waiting.splice(index, 1);
      reject(signal.reason);
    };
    this.#waiting.push(entry);
    signal.addEventListener('abort', leave, { once: true });
    try {
      await promise;
    } finally {
      signal.removeEventListener('abort', leave);
    }
  }

  release(): void {
    const next = this.#waiting.shift();
    if (next) next.admit();
    else this.#free++;
  }
}
