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
