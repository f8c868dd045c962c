import { encode, GuardBeat, type GuardReply, GuardRequest } from '@tollgate/contracts';
import type { Logger } from '@tollgate/telemetry';
import { feedCounters } from '../counter-feed.ts';
import { errorResult, guardUnavailable, overloaded } from '../faults.ts';
import { entryBytesMax, timeoutMsDefault } from '../wire/bounds.ts';
import { requestBytesBound } from '../wire/size.ts';
import { beatSubject, type GuardBus, helloSubject } from '../wire/subjects.ts';
import { ClientCounters, clientCounterNames } from './counters.ts';
import { type Answer, type EncodedReply, Entry, type EntryContent } from './entry.ts';
import { EntryTable } from './entry-table.ts';
import type { Link } from './link.ts';
import type { Peer } from './peer.ts';
import { Peers } from './peers.ts';
import { Sweep } from './sweep.ts';
import type { EncodedCall, GuardCall, GuardPool, GuardPoolOptions } from './types.ts';

/** Calls outstanding at once, over all guards of the kind. */
const outstandingMaxDefault = 8_192;

/** Encoded large requests held at once, bytes. */
const bulkBytesMaxDefault = 256 * 1024 * 1024;

/** So long a call waits for a guard that is expected to come. */
const parkMsMax = 1_000;

/** A guard that has not said anything for so long after a request is stalled: the request is given to another. */
const stallMs = 1_000;

/** Answers that another replica may give differently: this one cannot, for now. */
const askAnother = new Set(['guard_unavailable', 'overloaded', 'limit_unproven']);

/** See GuardPool: the calls that are outstanding, and what becomes of them. */
class Pool implements GuardPool {
  readonly #kind: string;
  readonly #bus: GuardBus;
  readonly #logger: Logger;
  readonly #counters = new ClientCounters();
  readonly #table: EntryTable;
  readonly #peers: Peers;
  readonly #sweep = new Sweep((nowMs) => this.#sweepAll(nowMs));
  readonly #outstandingMax: number;
  readonly #bulkBytesMax: number;
  readonly #parked: Entry[] = [];
  readonly #subscription: { stop(): void };
  #bulkBytes = 0;
  #closed = false;

  constructor(options: GuardPoolOptions) {
    this.#kind = options.kind;
    this.#bus = options.bus;
    this.#logger = options.logger;
    this.#outstandingMax = options.outstandingMax ?? outstandingMaxDefault;
    this.#bulkBytesMax = options.bulkBytesMax ?? bulkBytesMaxDefault;
    this.#table = new EntryTable(this.#outstandingMax);
    this.#peers = new Peers(
      {
        answered: (peer, entry, answer) => this.#answered(peer, entry, answer),
        lost: (peer, link) => this.#lost(peer, link),
        usable: () => this.#unpark(),
        unreachable: ({ address, replica }) =>
          this.#logger.warn({ kind: this.#kind, address, guard: replica }, 'guard cannot be reached at its address'),
        closed: (peer) => this.#peers.remove(peer),
      },
      this.#table,
      this.#counters,
      options.near,
    );
    this.#tellAtScrape(options);
    this.#subscription = options.bus.subscribe(beatSubject, (bytes) => this.#beat(GuardBeat.decode(bytes)));
    options.bus.onReconnect?.(() => this.#hello());
    this.#hello();
  }

  call(request: GuardCall): Promise<NonNullable<GuardReply['result']>> {
    const bytes = requestBytesBound(request);
    const timeoutMs = request.timeoutMs || timeoutMsDefault;
    const small = bytes <= entryBytesMax;
    const content: EntryContent = {
      request: {
        id: 0,
        requestId: request.requestId,
        timeoutMs,
        revision: request.revision,
        proxy: request.proxy,
        guardrail: request.guardrail,
        call: small ? request.call : undefined,
      },
      encoded: small ? undefined : encode(GuardRequest, { ...request, id: 0, timeoutMs: 0 }),
      bytes,
      wantsEncoded: false,
    };
    return this.#start(content) as Promise<NonNullable<GuardReply['result']>>;
  }

  callEncoded(call: EncodedCall): Promise<Answer> {
    const { encoded, requestId } = call;
    const timeoutMs = call.timeoutMs || timeoutMsDefault;
    const request = { id: 0, requestId, timeoutMs, revision: 0, proxy: '', guardrail: 0, call: undefined };
    return this.#start({ request, encoded, bytes: encoded.length, wantsEncoded: true });
  }

  ready(): boolean {
    return this.#peers.all.some((peer) => peer.usable);
  }

  get usable(): number {
    return this.#peers.all.filter((peer) => peer.usable).length;
  }

  get outstanding(): number {
    return this.#table.size;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#subscription.stop();
    for (const peer of [...this.#peers.all]) peer.close();
    for (const entry of this.#parked.splice(0)) this.#unavailable(entry, 'this replica stops');
    this.#sweep.stop();
  }

  #start(content: EntryContent): Promise<Answer> {
    this.#counters.calls++;
    const nowMs = performance.now();
    const entry = new Entry(content, nowMs + content.request.timeoutMs);
    if (this.#table.size >= this.#outstandingMax || this.#bulkBytes + entry.bulkBytes > this.#bulkBytesMax) {
      this.#counters.overloaded++;
      entry.reject(overloaded(this.#kind));
      return entry.promise;
    }
    this.#table.add(entry);
    this.#bulkBytes += entry.bulkBytes;
    this.#sweep.wake();
    this.#dispatch(entry, nowMs);
    return entry.promise;
  }

  #dispatch(entry: Entry, nowMs: number): void {
    const peer = this.#closed ? undefined : this.#peers.pick();
    if (peer !== undefined) {
      peer.send(entry, nowMs);
    } else if (!this.#closed && this.#peers.expected) {
      entry.parkedAtMs = nowMs;
      this.#parked.push(entry);
    } else {
      this.#unavailable(entry, 'no replica is ready');
    }
  }

  #unpark(): void {
    const nowMs = performance.now();
    for (const entry of this.#parked.splice(0)) this.#dispatch(entry, nowMs);
  }

  #answered(peer: Peer, entry: Entry, answer: GuardReply['result'] | EncodedReply): void {
    if (answer?.$case === 'error' && askAnother.has(answer.value.code) && this.#failOver(entry, peer.link)) return;
    this.#settled(entry);
    // A newer guard may answer with a case that this build does not know: no decision.
    entry.resolve(answer ?? errorResult(this.#kind, guardUnavailable(this.#kind, 'its answer is not understood')));
  }

  #lost(peer: Peer, link: Link): void {
    this.#logger.warn(
      { kind: this.#kind, address: peer.address, outstanding: link.outstanding },
      'guard connection lost',
    );
    const nowMs = performance.now();
    for (const entry of this.#table.entries()) {
      if (entry.link !== link) continue;
      entry.link = undefined;
      if (entry.sends > 1) {
        this.#unavailable(entry, 'its replicas failed');
        continue;
      }
      this.#counters.failovers++;
      this.#again(entry, nowMs);
      this.#dispatch(entry, nowMs);
    }
  }

  /** Gives an entry to another guard if it was not given to a second one already, and there is one. */
  #failOver(entry: Entry, from: Link | undefined): boolean {
    const other = entry.sends > 1 ? undefined : this.#peers.pick(from);
    if (other === undefined) return false;
    const nowMs = performance.now();
    this.#counters.failovers++;
    entry.link?.release(entry);
    this.#again(entry, nowMs);
    other.send(entry, nowMs);
    return true;
  }

  /** What is left of its time; at least a millisecond, as 0 would mean the default. */
  #again(entry: Entry, nowMs: number): void {
    entry.request.timeoutMs = Math.max(1, Math.ceil(entry.deadlineMs - nowMs));
  }

  #sweepAll(nowMs: number): boolean {
    for (const entry of this.#table.entries()) {
      const { link } = entry;
      if (link === undefined) continue;
      if (nowMs >= entry.deadlineMs) {
        link.release(entry);
        this.#timedOut(entry);
      } else if (entry.sends === 1 && link.stalls(entry, nowMs, stallMs)) {
        this.#failOver(entry, link);
      }
    }
    this.#sweepParked(nowMs);
    return this.#table.size > 0;
  }

  #sweepParked(nowMs: number): void {
    if (this.#parked.length === 0) return;
    for (const entry of this.#parked.splice(0)) {
      if (nowMs >= entry.deadlineMs) this.#timedOut(entry);
      else if (nowMs >= entry.parkedAtMs + parkMsMax) this.#unavailable(entry, 'no replica is ready');
      else this.#parked.push(entry);
    }
  }

  #timedOut(entry: Entry): void {
    this.#counters.timeouts++;
    this.#fail(entry, guardUnavailable(this.#kind, 'it did not answer in time'));
  }

  #unavailable(entry: Entry, reason: string): void {
    this.#counters.unavailable++;
    this.#fail(entry, guardUnavailable(this.#kind, reason));
  }

  #fail(entry: Entry, error: Error): void {
    this.#settled(entry);
    entry.reject(error);
  }

  #settled(entry: Entry): void {
    this.#table.remove(entry);
    this.#bulkBytes -= entry.bulkBytes;
  }

  #hello(): void {
    this.#bus.publish(helloSubject, new Uint8Array(0));
  }

  #beat(beat: GuardBeat): void {
    if (beat.kind !== this.#kind || this.#closed) return;
    this.#peers.announced(beat);
  }

  /** Not with beats: of a kind that is away none come, and that is what is looked for. */
  #tellAtScrape({ metrics, kind }: GuardPoolOptions): void {
    feedCounters(metrics, kind, this.#counters, clientCounterNames);
    const usable = metrics.gauge('tollgate_guard_replicas', 'Replicas that can be asked', ['kind']);
    const outstanding = metrics.gauge('tollgate_guard_outstanding', 'Calls without an answer yet', ['kind']);
    metrics.onScrape(() => {
      usable.set({ kind }, this.usable);
      outstanding.set({ kind }, this.outstanding);
    });
  }
}

export function guardPool(options: GuardPoolOptions): GuardPool {
  return new Pool(options);
}
