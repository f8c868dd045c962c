import type { GuardBeat } from '@tollgate/contracts';
import type { NearGuards } from '../near/near-guards.ts';
import type { ClientCounters } from './counters.ts';
import type { EntryTable } from './entry-table.ts';
import type { Link } from './link.ts';
import { Peer, type PeerHandlers } from './peer.ts';

const peersMax = 64;

/** The guards of one kind that announced themselves, and which of them is asked next. */
export class Peers {
  readonly #byAddress = new Map<string, Peer>();
  #list: Peer[] = [];
  #turn = 0;
  readonly #handlers: PeerHandlers;
  readonly #table: EntryTable;
  readonly #counters: ClientCounters;
  readonly #near: NearGuards | undefined;

  constructor(handlers: PeerHandlers, table: EntryTable, counters: ClientCounters, near: NearGuards | undefined) {
    this.#handlers = handlers;
    this.#table = table;
    this.#counters = counters;
    this.#near = near;
  }

  get all(): readonly Peer[] {
    return this.#list;
  }

  announced(beat: GuardBeat): void {
    const known = this.#byAddress.get(beat.address);
    if (known !== undefined) known.announced(beat);
    else if (!beat.draining && this.#list.length < peersMax) {
      this.#byAddress.set(beat.address, new Peer(beat, this.#handlers, this.#table, this.#counters, this.#near));
      this.#list = [...this.#byAddress.values()];
    }
  }

  remove(peer: Peer): void {
    if (this.#byAddress.get(peer.address) !== peer) return;
    this.#byAddress.delete(peer.address);
    this.#list = [...this.#byAddress.values()];
  }

  /**
   * A usable peer, not the one behind `except`: one in this process, as everything else costs a hop; else the one with the
   * fewest entries outstanding, those with equally few in turn.
   */
  pick(except?: Link): Peer | undefined {
    const list = this.#list;
    const start = this.#turn++;
    let best: Peer | undefined;
    for (let i = 0; i < list.length; i++) {
      const peer = list[(start + i) % list.length] as Peer;
      if (!peer.usable || peer.link === except) continue;
      if (peer.link?.near) return peer;
      if (best === undefined || peer.load < best.load) best = peer;
    }
    return best;
  }

  /** None is usable now, but one is expected within the second. */
  get expected(): boolean {
    return this.#list.some((peer) => peer.expected);
  }
}
