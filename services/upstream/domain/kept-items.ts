import { isKey, plainText, stringEnd, valueStart } from './top-level-text.ts';

const quote = 0x22;
const bracket = 0x5b;
/** Begins `false`. */
const letterF = 0x66;
const idKey = Buffer.from('id');
const storeKey = Buffer.from('store');
/** The object, its array, an item of it. */
const itemDepth = 3;

/**
 * Ids of the items that an answer lists under one of these members at its top level, in their order; none where it says that it is not
 * stored: then its provider keeps no items either. As in `topLevelText` nothing is parsed, and the text must be well-formed.
 */
export function keptItems(body: Buffer, members: readonly string[]): string[] {
  const keys = members.map((name) => Buffer.from(name));
  const ids: string[] = [];
  let depth = 0;
  let listed = false;
  for (let at = 0; at < body.length; at++) {
    const byte = body[at];
    if (byte === 0x7b || byte === bracket) depth++;
    else if (byte === 0x7d || byte === 0x5d) depth--;
    else if (byte === quote) {
      const end = stringEnd(body, at);
      if (end < 0) break;
      const value: number = depth === 1 || (listed && depth === itemDepth) ? valueStart(body, end) : -1;
      if (value >= 0 && depth === 1) {
        if (body[value] === letterF && isKey(body, at, end, storeKey)) return [];
        listed = body[value] === bracket && isOneOf(keys, body, at, end);
      } else if (value >= 0 && body[value] === quote && isKey(body, at, end, idKey)) {
        const id = plainText(body, value);
        if (id !== undefined) ids.push(id);
      }
      at = end;
    }
  }
  return ids;
}

function isOneOf(keys: readonly Buffer[], body: Buffer, start: number, end: number): boolean {
  return keys.some((key) => isKey(body, start, end, key));
}
