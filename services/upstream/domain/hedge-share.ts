/** Half of the time over which the share is counted. */
const halfMs = 30_000;

/** Requests, and what they are estimated to cost in nano-dollars. */
interface Tally {
  requests: number;
  costNanoUsd: number;
}

/**
 * How much of one rotation is hedged, as a share of the last 30 to 60 s: of its requests, so that free models are not asked twice as often, and
 * of their estimated cost, so that it is not the dearest that are hedged.
 */
export class HedgeShare {
  #half = 0;
  #asked = nothing;
  #askedBefore = nothing;
  #hedged = nothing;
  #hedgedBefore = nothing;

  /** A request of the rotation begins. */
  asked(nowMs: number, costNanoUsd: number): void {
    this.#turn(nowMs);
    this.#asked = sum(this.#asked, { requests: 1, costNanoUsd });
  }

  /**
   * Takes a hedge where the share has room for it: with 0.05 the first comes with the twentieth request of equal ones.
   * @param shareMax 0 to 1
   * @param costNanoUsd of the second call, as estimated
   */
  take(shareMax: number, nowMs: number, costNanoUsd: number): boolean {
    this.#turn(nowMs);
    const asked = sum(this.#asked, this.#askedBefore);
    const taken = sum(this.#hedged, { requests: 1, costNanoUsd });
    const hedged = sum(taken, this.#hedgedBefore);
    if (hedged.requests > shareMax * asked.requests || hedged.costNanoUsd > shareMax * asked.costNanoUsd) return false;
    this.#hedged = taken;
    return true;
  }

  /** What was taken is not used: another request may. */
  giveBack(costNanoUsd: number): void {
    // Of the half before: it leaves with it.
    if (this.#hedged.requests > 0) this.#hedged = sum(this.#hedged, { requests: -1, costNanoUsd: -costNanoUsd });
  }

  #turn(nowMs: number): void {
    const half = Math.floor(nowMs / halfMs);
    if (half === this.#half) return;
    const next = half === this.#half + 1;
    this.#askedBefore = next ? this.#asked : nothing;
    this.#hedgedBefore = next ? this.#hedged : nothing;
    this.#asked = nothing;
    this.#hedged = nothing;
    this.#half = half;
  }
}

const nothing: Tally = { requests: 0, costNanoUsd: 0 };

function sum(one: Tally, other: Tally): Tally {
  return { requests: one.requests + other.requests, costNanoUsd: one.costNanoUsd + other.costNanoUsd };
}
