const quote = 0x22;
const backslash = 0x5c;
const colon = 0x3a;

/**
 * The string that a JSON object has under `name` at its top level; undefined where it has none, or one with escapes. It parses
 * nothing and stops at the first one, so a large answer costs what stands before its id. The text must be well-formed.
 */
export function topLevelText(body: Buffer, name: string): string | undefined {
  const key = Buffer.from(name);
  let depth = 0;
  for (let at = 0; at < body.length; at++) {
    const byte = body[at];
    if (byte === 0x7b || byte === 0x5b) depth++;
    else if (byte === 0x7d || byte === 0x5d) depth--;
    else if (byte === quote) {
      const end = stringEnd(body, at);
      if (end < 0) return undefined;
      const value = depth === 1 && isKey(body, at, end, key) ? valueStart(body, end) : -1;
      if (value >= 0) return body[value] === quote ? plainText(body, value) : undefined;
      at = end;
    }
  }
  return undefined;
}

/** The position of the closing quote; -1 where there is none. */
export function stringEnd(body: Buffer, start: number): number {
  let end = body.indexOf(quote, start + 1);
  while (end >= 0 && isEscaped(body, end)) end = body.indexOf(quote, end + 1);
  return end;
}

function isEscaped(body: Buffer, at: number): boolean {
  let backslashes = 0;
  while (body[at - 1 - backslashes] === backslash) backslashes++;
  return backslashes % 2 === 1;
}

/** Whether the string between these quotes is the name. */
export function isKey(body: Buffer, start: number, end: number, key: Buffer): boolean {
  return end - start - 1 === key.length && body.compare(key, 0, key.length, start + 1, end) === 0;
}

/** Where the value of a key that ends at `end` begins; -1 when the string is a value itself. */
export function valueStart(body: Buffer, end: number): number {
  const at = afterSpace(body, end + 1);
  return body[at] === colon ? afterSpace(body, at + 1) : -1;
}

function afterSpace(body: Buffer, from: number): number {
  let at = from;
  while (at < body.length && (body[at] as number) <= 0x20) at++;
  return at;
}

/** The string whose literal begins at `start`; undefined where it has escapes. */
export function plainText(body: Buffer, start: number): string | undefined {
  const text = body.subarray(start + 1, stringEnd(body, start));
  return text.includes(backslash) ? undefined : text.toString('utf8');
}
