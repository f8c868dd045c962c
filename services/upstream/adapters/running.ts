/** Whoever counts requests in flight forgets one after 30 s without a word of it. */
const tellEveryMs = 10_000;

/** Tells every 10 s of the attempts that are older than that. */
export class Running {
  readonly #tell: (startedBefore: number) => void;
  #timer: NodeJS.Timeout | undefined;

  /** @param tell of every attempt that began before this moment of performance.now() */
  constructor(tell: (startedBefore: number) => void) {
    this.#tell = tell;
  }

  start(): void {
    this.#timer = setInterval(() => this.#tell(performance.now() - tellEveryMs), tellEveryMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
