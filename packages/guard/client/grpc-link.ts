import { randomUUID } from 'node:crypto';
import { type Client, type ClientDuplexStream, Metadata } from '@grpc/grpc-js';
import { GuardBatch, GuardReply } from '@tollgate/contracts';
import { BatchWriter } from '../wire/batch-writer.ts';
import { batchBytesTarget } from '../wire/bounds.ts';
import { envelopeOf } from '../wire/envelope.ts';
import { PartAssembler } from '../wire/part-assembler.ts';
import { PartSender } from '../wire/part-sender.ts';
import { connectionHeader, rawGuardService } from '../wire/service.ts';
import type { ClientCounters } from './counters.ts';
import type { EncodedReply, Entry } from './entry.ts';
import type { EntryTable } from './entry-table.ts';
import type { Link, LinkHandlers } from './link.ts';

type Stream = ClientDuplexStream<Buffer, Buffer>;

/** The two streams of one connection while they live, and the entries that are under way on them. */
export class GrpcLink implements Link {
  readonly near = false;
  outstanding = 0;
  readonly openedAtMs = performance.now();
  /** Last time that anything was received, on the clock of performance.now(). */
  receivedAtMs = this.openedAtMs;
  stalled = false;
  readonly #handlers: LinkHandlers;
  readonly #table: EntryTable;
  readonly #counters: ClientCounters;
  readonly #exchange: Stream;
  readonly #bulk: Stream;
  readonly #writer = new BatchWriter();
  readonly #assembler = new PartAssembler();
  readonly #sender: PartSender;
  #pending: Entry[] = [];
  #scheduled = false;
  #blocked = false;
  #ended = false;

  constructor(client: Client, handlers: LinkHandlers, table: EntryTable, counters: ClientCounters) {
    this.#handlers = handlers;
    this.#table = table;
    this.#counters = counters;
    const metadata = new Metadata();
    metadata.set(connectionHeader, randomUUID());
    this.#exchange = this.#stream(client, rawGuardService.exchange, metadata, this.#onBatch);
    this.#bulk = this.#stream(client, rawGuardService.exchangeBulk, metadata, this.#onPart);
    this.#sender = new PartSender((part, written) => this.#bulk.write(part, written));
    this.#exchange.on('drain', () => {
      this.#blocked = false;
      this.#flush();
    });
  }

  /** Leaves together with everything else of this turn. */
  send(entry: Entry, nowMs: number): void {
    entry.sends++;
    entry.sentAtMs = nowMs;
    entry.link = this;
    this.outstanding++;
    this.#pending.push(entry);
    if (this.#scheduled || this.#blocked) return;
    this.#scheduled = true;
    setImmediate(this.#flush);
  }

  release(entry: Entry): void {
    if (entry.link !== this) return;
    entry.link = undefined;
    this.outstanding--;
    if (entry.isBulk) this.#sender.cancel(entry.request.id);
    this.#handlers.left();
  }

  /** Nothing at all was heard while the entry waited, for `stallMs` or half of its time. Large ones may take longer. */
  stalls(entry: Entry, nowMs: number, stallMs: number): boolean {
    if (entry.isBulk) return false;
    const silentMs = nowMs - Math.max(entry.sentAtMs, this.receivedAtMs);
    this.stalled ||= silentMs >= Math.min(stallMs, (entry.deadlineMs - entry.sentAtMs) / 2);
    return this.stalled;
  }

  finish(): void {
    this.#exchange.end();
    this.#bulk.end();
  }

  destroy(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#exchange.cancel();
    this.#bulk.cancel();
    this.#sender.clear();
    this.#pending = [];
    this.#handlers.ended();
  }

  readonly #flush = (): void => {
    this.#scheduled = false;
    if (this.#ended) return;
    const pending = this.#pending;
    let at = 0;
    let bytes = 0;
    while (at < pending.length && !this.#blocked) {
      const entry = pending[at++] as Entry;
      // Expired or moved to another guard while it waited for this stream to take more.
      if (entry.link !== this) continue;
      bytes += this.#write(entry);
      if (bytes < batchBytesTarget) continue;
      this.#ship();
      bytes = 0;
    }
    this.#ship();
    if (at === pending.length) pending.length = 0;
    else pending.splice(0, at);
  };

  /** Into the batch, or off over the bulk stream. Returns what it added to the batch, bytes at most. */
  #write(entry: Entry): number {
    const { request, encoded } = entry;
    if (encoded === undefined) {
      this.#writer.request(request);
      return entry.bytes;
    }
    const tail = envelopeOf(request.id, request.timeoutMs);
    if (entry.isBulk) {
      this.#counters.bulkEntries++;
      this.#sender.send(request.id, encoded, tail);
      return 0;
    }
    this.#writer.encodedRequest(encoded, tail);
    return encoded.length;
  }

  #ship(): void {
    if (this.#writer.entries === 0) return;
    this.#counters.batches++;
    this.#blocked = !this.#exchange.write(this.#writer.take());
  }

  readonly #onBatch = (message: Buffer): void => {
    const batch = GuardBatch.decode(message);
    for (const reply of batch.replies) this.#answered(reply.id, reply.result);
    if (batch.draining) this.#handlers.draining();
  };

  readonly #onPart = (message: Buffer): void => {
    const whole = this.#assembler.add(message);
    if (whole === undefined) return;
    const wantsEncoded = this.#table.get(whole.id)?.wantsEncoded === true;
    if (wantsEncoded) this.#answered(whole.id, { $case: 'encoded', value: whole.bytes });
    else this.#answered(whole.id, GuardReply.decode(whole.bytes).result);
  };

  #answered(id: number, answer: GuardReply['result'] | EncodedReply): void {
    const entry = this.#table.get(id);
    if (entry?.link !== this) {
      this.#counters.late++;
      return;
    }
    entry.link = undefined;
    this.outstanding--;
    this.#handlers.answered(entry, answer);
    this.#handlers.left();
  }

  #stream(
    client: Client,
    method: (typeof rawGuardService)['exchange' | 'exchangeBulk'],
    metadata: Metadata,
    receive: (message: Buffer) => void,
  ): Stream {
    const stream: Stream = client.makeBidiStreamRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      metadata,
    );
    stream.on('data', (message: Buffer) => {
      this.receivedAtMs = performance.now();
      this.stalled = false;
      try {
        receive(message);
      } catch {
        this.#counters.broken++;
        this.destroy();
      }
    });
    stream.on('error', () => this.destroy());
    stream.on('end', () => this.destroy());
    return stream;
  }
}
