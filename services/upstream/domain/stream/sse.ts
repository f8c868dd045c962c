const newline = 0x0a;
const carriageReturn = 0x0d;

/** An event with the blank line that ends it: bytes [start, end) of a buffer. */
export type OnBlock = (buffer: Buffer, start: number, end: number) => void;

/**
 * Cuts a provider's event stream into its events as the bytes come, without copying those that arrive whole. Lines end in
 * LF or CRLF (no provider uses a lone CR).
 */
export class SseSplitter {
  readonly #bytesMax: number;
  /** The beginning of an event whose end has not come yet. */
  #pending: Buffer[] = [];
  #pendingBytes = 0;
  /** Whether the line that is being read has anything but a CR in it. */
  #lineEmpty = true;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Bytes of an event that has begun; 0 between two events. */
  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  /** @throws RangeError when an event is larger than the bound. */
  push(chunk: Buffer, onBlock: OnBlock): void {
    let start = 0;
    let lineStart = 0;
    for (let at = chunk.indexOf(newline); at >= 0; at = chunk.indexOf(newline, lineStart)) {
      const empty = this.#lineEmpty && isBlank(chunk, lineStart, at);
      this.#lineEmpty = true;
      lineStart = at + 1;
      if (!empty) continue;
      this.#emit(chunk, start, lineStart, onBlock);
      start = lineStart;
    }
    if (lineStart < chunk.length) this.#lineEmpty &&= isBlank(chunk, lineStart, chunk.length);
    if (start < chunk.length) this.#keep(chunk.subarray(start));
  }

  #emit(chunk: Buffer, start: number, end: number, onBlock: OnBlock): void {
    if (this.#pendingBytes === 0) {
      onBlock(chunk, start, end);
      return;
    }
    this.#keep(chunk.subarray(start, end));
    const whole = Buffer.concat(this.#pending, this.#pendingBytes);
    this.#pending = [];
    this.#pendingBytes = 0;
    onBlock(whole, 0, whole.length);
  }

  #keep(part: Buffer): void {
    this.#pending.push(part);
    this.#pendingBytes += part.length;
    if (this.#pendingBytes > this.#bytesMax)
      throw new RangeError(`an event of the stream has more than ${this.#bytesMax} bytes`);
  }
}

function isBlank(chunk: Buffer, start: number, end: number): boolean {
  return start === end || (end - start === 1 && chunk[start] === carriageReturn);
}

export interface SseEvent {
  /** The `event:` field; empty when there is none. */
  name: string;
  /** All `data:` lines, joined; undefined for a block without any (a comment). */
  data: string | undefined;
}

export function readEvent(buffer: Buffer, start: number, end: number): SseEvent {
  let name = '';
  let data: string | undefined;
  for (let at = start; at < end; ) {
    const found = buffer.indexOf(newline, at);
    const next = found < 0 || found >= end ? end : found + 1;
    let lineEnd = found < 0 || found >= end ? end : found;
    if (lineEnd > at && buffer[lineEnd - 1] === carriageReturn) lineEnd--;
    if (startsWith(buffer, at, lineEnd, 'data:')) {
      const value = buffer.toString('utf8', valueStart(buffer, at + 5, lineEnd), lineEnd);
      data = data === undefined ? value : `${data}\n${value}`;
    } else if (startsWith(buffer, at, lineEnd, 'event:')) {
      name = buffer.toString('utf8', valueStart(buffer, at + 6, lineEnd), lineEnd);
    }
    at = next;
  }
  return { name, data };
}

/** One space after the colon belongs to the field, not to its value. */
function valueStart(buffer: Buffer, at: number, end: number): number {
  return at < end && buffer[at] === 0x20 ? at + 1 : at;
}

function startsWith(buffer: Buffer, at: number, end: number, text: string): boolean {
  if (end - at < text.length) return false;
  for (let index = 0; index < text.length; index++) {
    if (buffer[at + index] !== text.charCodeAt(index)) return false;
  }
  return true;
}
