import { encode, GuardBatch, GuardReply, GuardRequest } from '@tollgate/contracts';

const requestsTag = (1 << 3) | 2;
const repliesTag = (2 << 3) | 2;

/**
 * Writes a GuardBatch entry by entry into one buffer that is kept for the next batch, so that each entry is encoded once
 * and nothing is copied but the finished batch.
 */
export class BatchWriter {
  // An empty batch encodes to nothing: what comes back is a fresh writer of the codec's own kind.
  readonly #writer = GuardBatch.encode({ requests: [], replies: [], draining: false });
  #entries = 0;

  get entries(): number {
    return this.#entries;
  }

  request(request: GuardRequest): void {
    GuardRequest.encode(request, this.#writer.uint32(requestsTag).fork()).join();
    this.#entries++;
  }

  /** `head` and `tail` together are the encoded request. */
  encodedRequest(head: Uint8Array, tail: Uint8Array): void {
    this.#writer
      .uint32(requestsTag)
      .uint32(head.length + tail.length)
      .raw(head)
      .raw(tail);
    this.#entries++;
  }

  reply(reply: GuardReply): void {
    GuardReply.encode(reply, this.#writer.uint32(repliesTag).fork()).join();
    this.#entries++;
  }

  encodedReply(bytes: Uint8Array): void {
    this.#writer.uint32(repliesTag).bytes(bytes);
    this.#entries++;
  }

  /** The batch; the writer is empty afterwards. */
  take(): Buffer {
    this.#entries = 0;
    return asBuffer(this.#writer.finish());
  }
}

/** The same memory as a Buffer, which grpc-js wants. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The batch that says: send nothing new on this stream. */
export const drainingBatch = (): Buffer => asBuffer(encode(GuardBatch, { requests: [], replies: [], draining: true }));
