const colon = ':'.charCodeAt(0);
const zero = '0'.charCodeAt(0);
const marker = Buffer.from('"content":"');
const doneMarker = Buffer.from('[DONE]');

/** Reads the chunks of one stream, whose contents are their numbers, as cheaply as a load generator must. */
export class Chunks {
  /** The number that comes next. */
  next = 0;
  /** Numbers that were not the next one. */
  misplaced = 0;
  done = false;
  #rest: Buffer = Buffer.alloc(0);

  /** Takes bytes as they came, cut anywhere. @returns chunks with content in them */
  read(bytes: Buffer): number {
    const all = this.#rest.length > 0 ? Buffer.concat([this.#rest, bytes]) : bytes;
    const whole = all.lastIndexOf('\n\n') + 2;
    if (whole < 2) {
      this.#rest = all;
      return 0;
    }
    let came = 0;
    for (let at = all.indexOf(marker); at >= 0 && at < whole; at = all.indexOf(marker, at)) {
      at += marker.length;
      const number = numberAt(all, at);
      if (number === undefined) continue;
      came++;
      if (number !== this.next) this.misplaced++;
      this.next = number + 1;
    }
    if (all.indexOf(doneMarker) >= 0) this.done = true;
    this.#rest = Buffer.from(all.subarray(whole));
    return came;
  }
}

/** Undefined: a content without a number, which the first chunk has. */
function numberAt(bytes: Buffer, from: number): number | undefined {
  let number: number | undefined;
  for (let at = from; ; at++) {
    const code = bytes[at] ?? 0;
    if (code < zero || code >= colon) return number;
    number = (number ?? 0) * 10 + code - zero;
  }
}
