/** Bytes that belong into others, right before the last byte of the first place where `literal` stands. */
export interface Insertion {
  literal: Buffer;
  bytes: Buffer;
}

/** Collects pieces of buffers; neighbours in one buffer become one piece, so what arrived together leaves together. */
export class ByteRuns {
  #done: Buffer[] = [];
  #buffer: Buffer | undefined;
  #start = 0;
  #end = 0;
  bytes = 0;

  add(buffer: Buffer, start: number, end: number): void {
    this.bytes += end - start;
    if (buffer === this.#buffer && start === this.#end) {
      this.#end = end;
      return;
    }
    this.#close();
    this.#buffer = buffer;
    this.#start = start;
    this.#end = end;
  }

  /** The same with the insertion; as it is where there is no place for it. */
  addWith({ literal, bytes }: Insertion, buffer: Buffer, start: number, end: number): void {
    const at = buffer.indexOf(literal, start);
    const place = at + literal.length - 1;
    if (at >= 0 && place < end) {
      this.add(buffer, start, place);
      this.add(bytes, 0, bytes.length);
      this.add(buffer, place, end);
    } else this.add(buffer, start, end);
  }

  /** All of it, in order; copied only when it does not lie in one piece. */
  take(): Buffer {
    this.#close();
    const parts = this.#done;
    this.#done = [];
    this.bytes = 0;
    return parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts);
  }

  #close(): void {
    if (this.#buffer) this.#done.push(this.#buffer.subarray(this.#start, this.#end));
    this.#buffer = undefined;
  }
}
