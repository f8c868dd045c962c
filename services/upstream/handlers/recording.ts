import type { IncomingHttpHeaders } from 'node:http';
import { keptContentBytesMax } from '@tollgate/bus';

/** What all recordings of a replica hold together, bytes; an answer for which there is no room is not kept. */
const allBytesMax = 128 * 1024 * 1024;
let allBytes = 0;

/** What the caller of a request with an idempotency key gets, for its retries: all of it, or nothing. */
export class Recording {
  /** The provider's. */
  headers: IncomingHttpHeaders = {};
  /** guard-auth was told what became of the request. */
  told = false;
  #parts: Uint8Array[] = [];
  #bytes = 0;
  #full = false;

  push(content: Uint8Array): void {
    if (this.#full) return;
    if (this.#bytes + content.length > keptContentBytesMax || allBytes + content.length > allBytesMax) {
      this.close();
      this.#full = true;
      return;
    }
    this.#parts.push(content);
    this.#bytes += content.length;
    allBytes += content.length;
  }

  /** Undefined: it was larger than may be kept, or there was no room for it. */
  content(): Uint8Array | undefined {
    if (this.#full) return undefined;
    const [first] = this.#parts;
    return first && this.#parts.length === 1 ? first : Buffer.concat(this.#parts);
  }

  /** Gives its room back. */
  close(): void {
    allBytes -= this.#bytes;
    this.#parts = [];
    this.#bytes = 0;
  }
}
