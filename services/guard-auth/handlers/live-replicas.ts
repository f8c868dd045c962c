import type { GuardBeat } from '@tollgate/contracts';

/** Replicas beat each second: three beats and a half. */
const silentMsMax = 3500;
/** A replica that was not heard for so long before an outage has no part in it. */
export const forgottenAfterMs = 15_000;
/** More than these cannot be told apart from nonsense: how many there are is not known then. */
const replicasMax = 1000;

/** How many guard-auth replicas there are, from their beats on the bus. */
export class LiveReplicas {
  readonly #own: string;
  readonly #now: () => number;
  readonly #heardAtMs = new Map<string, number>();
  #listeningSinceMs: number;

  /** @param own this replica's name: that its own beats arrive tells that the bus carries those of others */
  constructor(own: string, now: () => number) {
    this.#own = own;
    this.#now = now;
    this.#listeningSinceMs = now();
  }

  heard({ kind, replica }: GuardBeat): void {
    if (kind !== 'auth') return;
    if (this.#heardAtMs.has(replica) || this.#heardAtMs.size < replicasMax) this.#heardAtMs.set(replica, this.#now());
  }

  /** The bus was away: who came meanwhile is not known yet. */
  missed(): void {
    this.#listeningSinceMs = this.#now();
  }

  /** Outside an outage: forgets replicas that are gone. */
  forget(): void {
    const before = this.#now() - forgottenAfterMs;
    for (const [replica, atMs] of this.#heardAtMs) if (atMs < before) this.#heardAtMs.delete(replica);
  }

  /**
   * Replicas that may have admitted anything in an outage since `sinceMs`: a part of it that ended still spent its share.
   * Undefined: not known, as the bus is not heard, or not long enough.
   */
  count(sinceMs: number): number | undefined {
    const nowMs = this.#now();
    const ownMs = this.#heardAtMs.get(this.#own) ?? 0;
    if (nowMs - ownMs > silentMsMax || nowMs - this.#listeningSinceMs < silentMsMax) return undefined;
    if (this.#heardAtMs.size >= replicasMax) return undefined;
    let count = 0;
    for (const atMs of this.#heardAtMs.values()) if (atMs >= sinceMs - forgottenAfterMs) count++;
    return count;
  }
}
