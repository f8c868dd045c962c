import { nextQuestionMs } from './pace.ts';

export interface WatchOptions<T> {
  ask: (signal: AbortSignal) => Promise<T>;
  /** Ask again and again; else once, and after a failure until there is an answer. */
  live: boolean;
  /** Nobody looks at a hidden page: it asks nothing until it is shown again. */
  visible: () => boolean;
  onAnswer: (answer: T) => void;
  /** Returns whether asking again makes sense. */
  onFault: (error: unknown) => boolean;
  retryAfterMs?: (error: unknown) => number | undefined;
}

/** Asks one question at a time, at a bounded rate, until it is stopped. */
export class Watch<T> {
  readonly #options: WatchOptions<T>;
  readonly #stopped = new AbortController();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #running = false;
  #failures = 0;
  #done = false;

  constructor(options: WatchOptions<T>) {
    this.#options = options;
    void this.#question();
  }

  /** Asks at once, unless a question is under way or the answer that was wanted is there. */
  now(): void {
    if (this.#running || this.#done || this.#stopped.signal.aborted) return;
    clearTimeout(this.#timer);
    void this.#question();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#stopped.abort();
  }

  async #question(): Promise<void> {
    if (!this.#options.visible()) return;
    this.#running = true;
    const retryAfterMs = await this.#ask();
    this.#running = false;
    if (this.#stopped.signal.aborted || this.#done) return;
    const waitMs = nextQuestionMs({ failures: this.#failures, retryAfterMs });
    this.#timer = setTimeout(() => void this.#question(), waitMs);
  }

  async #ask(): Promise<number | undefined> {
    try {
      const answer = await this.#options.ask(this.#stopped.signal);
      if (this.#stopped.signal.aborted) return undefined;
      this.#failures = 0;
      this.#done = !this.#options.live;
      this.#options.onAnswer(answer);
      return undefined;
    } catch (error) {
      if (this.#stopped.signal.aborted) return undefined;
      this.#failures += 1;
      this.#done = !this.#options.onFault(error);
      return this.#options.retryAfterMs?.(error);
    }
  }
}
