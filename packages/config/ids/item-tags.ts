const macCharacters = 16;
const pattern = /~[A-Za-z0-9_-]{16}$/;

/**
 * Of the tag behind an item's id: a tilde, which no provider's id has and no URL escapes, and 96 bits of a MAC. Every event of a
 * stream with the item in it repeats it, so it is short.
 */
export const itemTagCharacters = 1 + macCharacters;

/** The tag at the end of an item's id that a caller sends back; empty when it has none of ours. */
export function itemTagOf(id: string): string {
  return pattern.exec(id)?.[0] ?? '';
}
