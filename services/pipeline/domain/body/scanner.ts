const quote = 0x22;
const backslash = 0x5c;
const comma = 0x2c;
const colon = 0x3a;
const closeBrace = 0x7d;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const openBracket = 0x5b;

/**
 * Steps over JSON text and says where things stand. The text must be well-formed (JSON.parse has accepted it): this
 * only finds offsets, it validates nothing. All offsets are bytes; spans are [start, end).
 */
export class Scanner {
  readonly bytes: Buffer;
  position = 0;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  /** The byte at the next value or structure character. */
  peek(): number {
    const { bytes } = this;
    let position = this.position;
    while (isSpace(bytes[position])) position++;
    this.position = position;
    return bytes[position] as number;
  }

  get atObject(): boolean {
    return this.peek() === openBrace;
  }

  get atArray(): boolean {
    return this.peek() === openBracket;
  }

  get atString(): boolean {
    return this.peek() === quote;
  }

  /** Calls `member` at each value of the object; it must step over that value. */
  object(member: (key: string, keyStart: number) => void): void {
    this.position++;
    while (this.peek() !== closeBrace) {
      const keyStart = this.position;
      this.skipString();
      const key = this.literal(keyStart, this.position);
      this.peek();
      this.position++;
      this.peek();
      member(key, keyStart);
      if (this.peek() === comma) this.position++;
    }
    this.position++;
  }

  /** Calls `element` at each value of the array; it must step over that value. */
  array(element: (index: number) => void): void {
    this.position++;
    for (let index = 0; this.peek() !== closeBracket; index++) {
      element(index);
      if (this.peek() === comma) this.position++;
    }
    this.position++;
  }

  skipString(): void {
    const { bytes } = this;
    let end = bytes.indexOf(quote, this.position + 1);
    while (isEscaped(bytes, end)) end = bytes.indexOf(quote, end + 1);
    this.position = end + 1;
  }

  /** Steps over any value without recursion, however deep it is. */
  skip(): void {
    let depth = 0;
    do {
      switch (this.peek()) {
        case quote:
          this.skipString();
          break;
        case openBrace:
        case openBracket:
          depth++;
          this.position++;
          break;
        case closeBrace:
        case closeBracket:
          depth--;
          this.position++;
          break;
        case comma:
        case colon:
          // What stands behind it may be a string, in which brackets are text.
          this.position++;
          break;
        default:
          this.#skipScalar();
      }
    } while (depth > 0);
  }

  /** The string that a literal in [start, end), quotes included, stands for. */
  literal(start: number, end: number): string {
    const inner = this.bytes.subarray(start + 1, end - 1);
    return inner.includes(backslash)
      ? (JSON.parse(this.bytes.toString('utf8', start, end)) as string)
      : inner.toString('utf8');
  }

  #skipScalar(): void {
    const { bytes } = this;
    let position = this.position;
    for (let byte = bytes[position]; byte !== undefined; byte = bytes[++position]) {
      if (byte === comma || byte === closeBrace || byte === closeBracket || isSpace(byte)) break;
    }
    this.position = position;
  }
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

function isEscaped(bytes: Buffer, end: number): boolean {
  let backslashes = 0;
  while (bytes[end - 1 - backslashes] === backslash) backslashes++;
  return backslashes % 2 === 1;
}
