/** A call under way. */
export interface Watched {
  readonly dueAtMs: number;
  readonly onLate: () => void;
}

/**
 * The deadlines of a connection's calls. All are of one length, so the oldest call is the next that is due, and one timer
 * serves all: it waits for the oldest, then for whichever is the oldest by then, and ends when no call is under way.
 */
export class Deadlines {
  readonly #deadlineMs: number;
  // The order of the set is the order of time.
  readonly #underWay = new Set<Watched>();
  #timer: NodeJS.Timeout | undefined;

  constructor(deadlineMs: number) {
    this.#deadlineMs = deadlineMs;
  }

  /** Calls `onLate` once at the deadline, unless delete() comes first. */
  add(onLate: () => void): Watched {
    const call = { dueAtMs: performance.now() + this.#deadlineMs, onLate };
    this.#underWay.add(call);
    this.#timer ??= this.#wakeIn(this.#deadlineMs);
    return call;
  }

  delete(call: Watched): void {
    this.#underWay.delete(call);
  }

  readonly #sweep = (): void => {
    const nowMs = performance.now();
    for (const call of this.#underWay) {
      if (call.dueAtMs <= nowMs) {
        // Timers come before sockets: where this process got no time for a while, the answer is there and not read yet.
        setImmediate(this.#end, nowMs);
      } else this.#timer = this.#wakeIn(call.dueAtMs - nowMs);
      return;
    }
    this.#timer = undefined;
  };

  /** What was due at that time, and has no answer among what has been read since. */
  readonly #end = (dueMs: number): void => {
    for (const call of this.#underWay) {
      if (call.dueAtMs > dueMs) break;
      this.#underWay.delete(call);
      call.onLate();
    }
    const [next] = this.#underWay;
    this.#timer = next && this.#wakeIn(Math.max(0, next.dueAtMs - performance.now()));
  };

  // A call under way keeps its socket, and that the process; the timer may outlast the last call.
  #wakeIn(ms: number): NodeJS.Timeout {
    return setTimeout(this.#sweep, Math.ceil(ms)).unref();
  }
}
