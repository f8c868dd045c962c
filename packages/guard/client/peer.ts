import { Client, credentials } from '@grpc/grpc-js';
import type { GuardBeat, GuardReply } from '@tollgate/contracts';
import type { NearGuards } from '../near/near-guards.ts';
import { NearLink } from '../near/near-link.ts';
import { clientOptions } from '../wire/options.ts';
import type { ClientCounters } from './counters.ts';
import type { EncodedReply, Entry } from './entry.ts';
import type { EntryTable } from './entry-table.ts';
import { GrpcLink } from './grpc-link.ts';
import type { Link, LinkHandlers } from './link.ts';

const connectMsMax = 5_000;
const backoffMsMin = 50;
const backoffMsMax = 1_000;
/** A link that lived so long was a good one: the next one is tried at once. */
const goodLinkMs = 1_000;

/** A guard that has not announced itself for so long, and is not connected, is forgotten. */
const forgetMs = 15_000;

/** More than any bound of outstanding entries. */
const stalledLoad = 2 ** 31;

/** A guard that beat so lately is expected to be reachable soon. */
const freshMs = 2_500;

export type PeerHandlers = {
  answered(peer: Peer, entry: Entry, answer: GuardReply['result'] | EncodedReply): void;
  /** The connection broke with entries under way on it. */
  lost(peer: Peer, link: Link): void;
  /** Entries may be sent now. */
  usable(peer: Peer): void;
  /** Announced, but no connection to it comes about; told once for each time that it is so. */
  unreachable(peer: Peer): void;
  /** For good: drained, forgotten, or closed by the pool. */
  closed(peer: Peer): void;
};

/** One announced address and its connection, opened again with back-off when it breaks. */
export class Peer {
  readonly address: string;
  readonly #handlers: PeerHandlers;
  readonly #table: EntryTable;
  readonly #counters: ClientCounters;
  readonly #near: NearGuards | undefined;
  #client: Client | undefined;
  #link: Link | undefined;
  #beat: GuardBeat;
  #beatAtMs = performance.now();
  /** The guard drains: nothing new is sent, what is outstanding finishes, then this side closes. */
  #moving = false;
  #closed = false;
  #unreachable = false;
  #backoffMs = backoffMsMin;
  #retry: NodeJS.Timeout | undefined;

  constructor(
    beat: GuardBeat,
    handlers: PeerHandlers,
    table: EntryTable,
    counters: ClientCounters,
    near: NearGuards | undefined,
  ) {
    this.address = beat.address;
    this.#beat = beat;
    this.#handlers = handlers;
    this.#table = table;
    this.#counters = counters;
    this.#near = near;
    // Not from in here: whoever makes this peer does not have it yet.
    setImmediate(() => this.#connect());
  }

  get usable(): boolean {
    return this.#link !== undefined && this.#beat.ready && !this.#moving;
  }

  /** Not reachable now, but there is reason to expect it within the second. */
  get expected(): boolean {
    return this.#link === undefined && this.#beat.ready && performance.now() - this.#beatAtMs < freshMs;
  }

  get link(): Link | undefined {
    return this.#link;
  }

  get replica(): string {
    return this.#beat.replica;
  }

  /** Entries under way; a stalled guard counts as full, so that it is asked only when there is no other. */
  get load(): number {
    if (this.#link === undefined) return 0;
    return this.#link.outstanding + (this.#link.stalled ? stalledLoad : 0);
  }

  send(entry: Entry, nowMs: number): void {
    this.#link?.send(entry, nowMs);
  }

  announced(beat: GuardBeat): void {
    const before = this.usable;
    this.#beat = beat;
    this.#beatAtMs = performance.now();
    if (beat.draining) this.moveOn();
    if (!before && this.usable) this.#handlers.usable(this);
  }

  moveOn(): void {
    if (this.#moving) return;
    this.#moving = true;
    if (this.#link === undefined) this.close();
    else this.#finishIfDone();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#retry);
    this.#link?.destroy();
    this.#client?.close();
    this.#handlers.closed(this);
  }

  #finishIfDone(): void {
    if (this.#moving && this.#link?.outstanding === 0) this.#link.finish();
  }

  #connect(): void {
    if (this.#closed) return;
    const near = this.#near?.at(this.address);
    if (near !== undefined) {
      this.#open((handlers) => new NearLink(near, handlers, this.#table, this.#counters));
      return;
    }
    this.#client ??= new Client(this.address, credentials.createInsecure(), clientOptions);
    const client = this.#client;
    client.waitForReady(Date.now() + connectMsMax, (error) => {
      if (this.#closed) return;
      if (error === undefined) {
        this.#open((handlers) => new GrpcLink(client, handlers, this.#table, this.#counters));
        return;
      }
      const beats = performance.now() - this.#beatAtMs < forgetMs;
      if (beats && !this.#unreachable) this.#handlers.unreachable(this);
      this.#unreachable = beats;
      if (beats) this.#connect();
      else this.close();
    });
  }

  #open(linkWith: (handlers: LinkHandlers) => Link): void {
    const link = linkWith({
      answered: (entry, answer) => this.#handlers.answered(this, entry, answer),
      left: () => this.#finishIfDone(),
      draining: () => this.moveOn(),
      ended: () => this.#ended(link),
    });
    this.#link = link;
    this.#unreachable = false;
    if (this.usable) this.#handlers.usable(this);
  }

  #ended(link: Link): void {
    this.#link = undefined;
    if (this.#moving && !this.#closed) this.close();
    if (!this.#closed) {
      const good = performance.now() - link.openedAtMs > goodLinkMs;
      this.#backoffMs = good ? backoffMsMin : Math.min(this.#backoffMs * 2, backoffMsMax);
      this.#retry = setTimeout(() => this.#connect(), this.#backoffMs * (0.5 + Math.random() / 2));
    }
    if (link.outstanding > 0) this.#handlers.lost(this, link);
  }
}
