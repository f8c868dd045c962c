/** How a question ended: `unknown` where whoever asked left first. */
export type Ending = 'answered' | 'timed-out' | 'unknown';

/** One question that was let through; tell it how it ended. */
export interface Passage {
  end(ending: Ending, nowMs: number): void;
}

/** In a row. One alone may be a question that is too large. */
const timeOutsMax = 3;
/** So long nobody is let through after the last time-out, milliseconds. */
const openMs = 5000;

/**
 * Keeps questions from a store that does not answer: after three time-outs in a row all fail at once for five seconds, then one is tried, and
 * the others wait for what becomes of it.
 */
export class Breaker {
  #timeOuts = 0;
  #openUntilMs = 0;
  #trying = false;

  /** A passage, or the milliseconds after which asking again has a point. */
  enter(nowMs: number): Passage | number {
    if (this.#timeOuts < timeOutsMax) return this.#passage(false);
    if (nowMs < this.#openUntilMs) return this.#openUntilMs - nowMs;
    if (this.#trying) return openMs;
    this.#trying = true;
    return this.#passage(true);
  }

  #passage(trial: boolean): Passage {
    return {
      end: (ending, nowMs) => {
        if (trial) this.#trying = false;
        if (ending === 'answered') this.#timeOuts = 0;
        if (ending !== 'timed-out') return;
        this.#timeOuts++;
        this.#openUntilMs = nowMs + openMs;
      },
    };
  }
}
