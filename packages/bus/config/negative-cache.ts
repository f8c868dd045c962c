/** Absence is remembered briefly: a key made this second works this second, guesses cost one read each. */
const ttlMs = 1000;
const entriesMax = 10_000;

/** Hashes that were asked for and are not in the bucket. */
export class NegativeCache {
  readonly #until = new Map<string, number>();
  readonly #now: () => number;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  has(hash: string): boolean {
    const until = this.#until.get(hash);
    if (until === undefined) return false;
    if (until > this.#now()) return true;
    this.#until.delete(hash);
    return false;
  }

  add(hash: string): void {
    if (this.#until.size >= entriesMax) {
      const oldest = this.#until.keys().next().value;
      if (oldest !== undefined) this.#until.delete(oldest);
    }
    this.#until.set(hash, this.#now() + ttlMs);
  }

  delete(hash: string): void {
    this.#until.delete(hash);
  }
}
