/**
 * An event may come again long after it was acknowledged: a reaper may have read the lease just before it ended, and a
 * publisher repeats a batch whose acknowledgement was lost (JetStream itself knows repeats of ten minutes). Marks stay this much longer than the floor.
 */
const graceMs = 15 * 60_000;

/** Remembers where the floor was, to know which marks nobody will ask for any more. */
export class FloorHistory {
  #samples: { atMs: number; seq: number }[] = [];

  /** Returns the sequence up to which marks may be forgotten; 0 = none. Called every ten seconds or so. */
  add(seq: number, nowMs: number): number {
    this.#samples.push({ atMs: nowMs, seq });
    let old = 0;
    while (old + 1 < this.#samples.length && (this.#samples[old + 1]?.atMs ?? nowMs) <= nowMs - graceMs) old++;
    if (old > 0) this.#samples.splice(0, old);
    const first = this.#samples[0];
    return first && first.atMs <= nowMs - graceMs ? first.seq : 0;
  }

  /** While the bus is away publishers collect repeats: the grace begins anew when it is back. */
  reset(): void {
    this.#samples = [];
  }
}
