import { GuardReply, GuardRequest } from '@tollgate/contracts';
import type { ClientCounters } from '../client/counters.ts';
import type { EncodedReply, Entry } from '../client/entry.ts';
import type { EntryTable } from '../client/entry-table.ts';
import type { Link, LinkHandlers } from '../client/link.ts';
import type { BulkSink } from '../server/bulk.ts';
import type { GuardResult } from '../server/runner.ts';
import { envelopeOf } from '../wire/envelope.ts';
import type { NearCaller, NearGuard } from './near-guards.ts';

/**
 * The way to a guard in this process: its handler is called with the request as it is. Neither side may change what it got
 * from the other.
 */
export class NearLink implements Link, NearCaller, BulkSink {
  readonly near = true;
  readonly stalled = false;
  readonly openedAtMs = performance.now();
  outstanding = 0;
  readonly #guard: NearGuard;
  readonly #handlers: LinkHandlers;
  readonly #table: EntryTable;
  readonly #counters: ClientCounters;
  #ended = false;

  constructor(guard: NearGuard, handlers: LinkHandlers, table: EntryTable, counters: ClientCounters) {
    this.#guard = guard;
    this.#handlers = handlers;
    this.#table = table;
    this.#counters = counters;
    guard.opened(this);
  }

  send(entry: Entry, nowMs: number): void {
    entry.sends++;
    entry.sentAtMs = nowMs;
    entry.link = this;
    this.outstanding++;
    const { request, encoded } = entry;
    if (encoded === undefined) {
      this.#guard.runner.run(request, nowMs, this);
      return;
    }
    const whole = Buffer.concat([encoded, envelopeOf(request.id, request.timeoutMs)]);
    if (entry.isBulk) this.#guard.bulk.run(request.id, whole, this);
    else this.#guard.runner.run(GuardRequest.decode(whole), nowMs, this);
  }

  release(entry: Entry): void {
    if (entry.link !== this) return;
    this.#left(entry);
    this.#handlers.left();
  }

  /** Who shares a turn with the guard cannot be answered while it stalls, nor ask another one. */
  stalls(): boolean {
    return false;
  }

  drain(): void {
    this.#handlers.draining();
  }

  finish(): void {
    if (this.outstanding === 0) this.destroy();
  }

  destroy(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#guard.closed(this);
    this.#handlers.ended();
  }

  reply(id: number, result: GuardResult): void {
    this.#answered(id, result);
  }

  replyEncoded(id: number, bytes: Uint8Array): void {
    const entry = this.#table.get(id);
    const isWanted = entry?.wantsEncoded === true;
    // It comes from a thread, or from a codec that made it for this reply: memory of its own.
    if (isWanted) this.#answered(id, { $case: 'encoded', value: bytes as Uint8Array<ArrayBuffer> });
    else this.#answered(id, GuardReply.decode(bytes).result);
  }

  /** Its time is over, and the caller was told so. */
  dropped(): void {}

  #answered(id: number, answer: GuardResult | EncodedReply): void {
    const entry = this.#table.get(id);
    if (this.#ended || entry?.link !== this) {
      this.#counters.late++;
      return;
    }
    this.#left(entry);
    this.#handlers.answered(entry, answer);
    this.#handlers.left();
  }

  #left(entry: Entry): void {
    entry.link = undefined;
    this.outstanding--;
  }
}
