import { encode, GuardPart } from '@tollgate/contracts';
import { asBuffer } from './batch-writer.ts';
import { bulkEntriesUnderWayMax, partBytes } from './bounds.ts';

type BulkEntry = { id: number; head: Uint8Array; tail: Uint8Array; offset: number };
type Write = (part: Buffer, written: () => void) => void;

const nothing = new Uint8Array(0);

/**
 * Sends large entries over a bulk stream: one part at a time, the next when the stream has taken the last, and the
 * first few entries in turn, so that 200 KiB do not wait for 15 MiB before them. The caller bounds what is queued.
 */
export class PartSender {
  readonly #queue: BulkEntry[] = [];
  readonly #write: Write;
  #writing = false;

  constructor(write: Write) {
    this.#write = write;
  }

  /** Every part has been taken by the stream. */
  get idle(): boolean {
    return !this.#writing && this.#queue.length === 0;
  }

  /** `head` and `tail` (at most some bytes) together are the encoded entry: saves joining 15 MiB with an id. */
  send(id: number, head: Uint8Array, tail: Uint8Array = nothing): void {
    this.#queue.push({ id, head, tail, offset: 0 });
    this.#next();
  }

  /** Stops an entry that nobody waits for any more; the receiver is told to forget what it has of it. */
  cancel(id: number): void {
    const at = this.#queue.findIndex((entry) => entry.id === id);
    const entry = this.#queue[at];
    if (entry === undefined) return;
    if (entry.offset === 0) this.#queue.splice(at, 1);
    else this.#queue[at] = { id, head: nothing, tail: nothing, offset: 0 };
  }

  clear(): void {
    this.#queue.length = 0;
  }

  readonly #written = (): void => {
    this.#writing = false;
    this.#next();
  };

  #next(): void {
    if (this.#writing) return;
    const entry = this.#queue.shift();
    if (entry === undefined) return;
    const { id, head, tail, offset } = entry;
    const last = offset + partBytes >= head.length;
    const data = last ? Buffer.concat([head.subarray(offset), tail]) : head.subarray(offset, offset + partBytes);
    const part = { id, totalBytes: head.length + tail.length, offset, data };
    entry.offset += data.length;
    // Back among the first few: those are the ones that the receiver has begun to put together.
    if (!last) this.#queue.splice(bulkEntriesUnderWayMax - 1, 0, entry);
    this.#writing = true;
    this.#write(asBuffer(encode(GuardPart, part)), this.#written);
  }
}
