export interface Swept {
  /** Called about twenty times a second. */
  sweep(nowMs: number): void;
}

/** How late a time limit may be noticed. */
const tickMs = 50;

/** One timer for the time limits of all calls, and none while there are none. */
export class Sweep {
  readonly #items = new Set<Swept>();
  #timer: NodeJS.Timeout | undefined;

  add(item: Swept): void {
    this.#items.add(item);
    this.#timer ??= setInterval(() => this.#tick(), tickMs);
  }

  delete(item: Swept): void {
    this.#items.delete(item);
  }

  #tick(): void {
    if (this.#items.size === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
      return;
    }
    const now = Date.now();
    for (const item of this.#items) item.sweep(now);
  }
}
