/** contracts.md: work that nobody accepts within a second goes back to the one who offered it. */
export const acceptWithinMs = 1000;
const tickMs = 50;

/** Watches offers that nobody has accepted yet: one timer for all, and none while there are none. */
export class Acceptance {
  readonly #waiting = new Map<string, { untilMs: number; onLate: () => void }>();
  #timer: NodeJS.Timeout | undefined;

  /** Calls `onLate` once after a second, unless delete() comes first. */
  add(requestId: string, onLate: () => void): void {
    this.#waiting.set(requestId, { untilMs: Date.now() + acceptWithinMs, onLate });
    this.#timer ??= setInterval(() => this.#tick(), tickMs).unref();
  }

  delete(requestId: string): void {
    this.#waiting.delete(requestId);
  }

  /** It is known already that nobody will accept. */
  refuse(requestId: string): void {
    const waiting = this.#waiting.get(requestId);
    this.#waiting.delete(requestId);
    waiting?.onLate();
  }

  #tick(): void {
    const now = Date.now();
    for (const [requestId, { untilMs }] of this.#waiting) {
      // The order of the map is the order of time.
      if (untilMs > now) return;
      this.refuse(requestId);
    }
    if (this.#waiting.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
