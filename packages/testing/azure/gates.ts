/** A gate that is never opened so far would hide a wrong name: no more than this many are kept. */
const GATES_MAX = 1_000;

/**
 * Gates hold content chunks back until a test lets them through, one by one: so the order of things can be tested without
 * a clock.
 */
export class Gates {
  readonly #permits = new Map<string, number>();
  readonly #waiting = new Map<string, Set<() => void>>();

  /** Lets so many chunks pass, now or when they come. @throws RangeError for a count below 1 and beyond 1,000 gates. */
  open(name: string, chunks: number): void {
    if (!Number.isInteger(chunks) || chunks < 1)
      throw new RangeError(`a gate opens for 1 chunk or more, not ${chunks}`);
    if (!this.#permits.has(name) && this.#permits.size >= GATES_MAX)
      throw new RangeError(`more than ${GATES_MAX} gates`);
    this.#permits.set(name, (this.#permits.get(name) ?? 0) + chunks);
    for (const wake of this.#waiting.get(name) ?? []) {
      if (!this.#take(name)) return;
      this.#waiting.get(name)?.delete(wake);
      wake();
    }
  }

  /** Resolves when this chunk may pass, or with the signal: then without having used a permit. */
  async pass(name: string, signal: AbortSignal): Promise<void> {
    if (signal.aborted || this.#take(name)) return;
    const waiting = this.#waiting.get(name) ?? new Set();
    this.#waiting.set(name, waiting);
    await new Promise<void>((resolve) => {
      waiting.add(resolve);
      const leave = () => {
        waiting.delete(resolve);
        resolve();
      };
      signal.addEventListener('abort', leave, { once: true });
    });
  }

  /** Forgets the permits; what waits goes on waiting. */
  clear(): void {
    this.#permits.clear();
  }

  #take(name: string): boolean {
    const left = this.#permits.get(name) ?? 0;
    if (left > 0) this.#permits.set(name, left - 1);
    return left > 0;
  }
}
