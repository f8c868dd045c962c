/** Half of the time over which the share is counted. */
const halfMs = 30_000;

/** How many requests of one rotation are hedged, as a share of those of the last 30 to 60 s. */
export class HedgeShare {
  #half = 0;
  #requests = 0;
  #requestsBefore = 0;
  #hedges = 0;
  #hedgesBefore = 0;

  /** A request of the rotation begins. */
  asked(nowMs: number): void {
    this.#turn(nowMs);
    this.#requests += 1;
  }

  /**
   * Takes a hedge where the share has room for it: with 0.05 the first comes with the twentieth request.
   * @param shareMax 0 to 1
   */
  take(shareMax: number, nowMs: number): boolean {
    this.#turn(nowMs);
    const hedges = this.#hedges + this.#hedgesBefore + 1;
    if (hedges > shareMax * (this.#requests + this.#requestsBefore)) return false;
    this.#hedges += 1;
    return true;
  }

  /** What was taken is not used: another request may. */
  giveBack(): void {
    if (this.#hedges > 0) this.#hedges -= 1;
  }

  #turn(nowMs: number): void {
    const half = Math.floor(nowMs / halfMs);
    if (half === this.#half) return;
    const next = half === this.#half + 1;
    this.#requestsBefore = next ? this.#requests : 0;
    this.#hedgesBefore = next ? this.#hedges : 0;
    this.#requests = 0;
    this.#hedges = 0;
    this.#half = half;
  }
}
