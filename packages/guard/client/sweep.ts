const sweepMs = 25;

/**
 * The one timer of a pool: runs `sweep` every 25 ms while entries are outstanding, and not at all while there are none.
 * So a call costs no timer, and time-outs are at most that much late.
 */
export class Sweep {
  readonly #sweep: (nowMs: number) => boolean;
  #timer: NodeJS.Timeout | undefined;

  /** `sweep` says whether anything is left to watch. */
  constructor(sweep: (nowMs: number) => boolean) {
    this.#sweep = sweep;
  }

  /** Called with each new entry. */
  wake(): void {
    if (this.#timer === undefined) this.#timer = setInterval(this.#tick, sweepMs);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  readonly #tick = (): void => {
    if (!this.#sweep(performance.now())) this.stop();
  };
}
