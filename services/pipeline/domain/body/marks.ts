import { contentMarkCharactersMax, contentMarkOf, itemTagCharacters, itemTagOf } from '@tollgate/config';

/** What stands before an encrypted content that a caller sends back: bytes [start, end), empty where it is none of ours. */
export interface Mark {
  start: number;
  end: number;
}

/** The mark in a literal at [start, end), its quotes included. A mark has no escapes, so its characters are its bytes. */
export function markAt(bytes: Buffer, start: number, end: number): Mark {
  const first = start + 1;
  const head = bytes.toString('latin1', first, Math.min(end - 1, first + contentMarkCharactersMax));
  return { start: first, end: first + contentMarkOf(head).length };
}

const tilde = 0x7e;

/** The tag of an item's id in a literal at [start, end), its quotes included; undefined where it has none of ours. */
export function tagAt(bytes: Buffer, start: number, end: number): Mark | undefined {
  const first = end - 1 - itemTagCharacters;
  if (first <= start || bytes[first] !== tilde) return undefined;
  return itemTagOf(bytes.toString('latin1', first, end - 1)) === '' ? undefined : { start: first, end: end - 1 };
}
