const pieceCharactersMax = 4096;

export const dataEvent = (data: unknown): string => `data: ${JSON.stringify(data)}\n\n`;
export const doneEvent = 'data: [DONE]\n\n';

/** A text in parts that a client shows one by one; no surrogate pair is cut. */
export function pieces(text: string): readonly string[] {
  const found: string[] = [];
  for (let from = 0; from < text.length; ) {
    let to = Math.min(text.length, from + pieceCharactersMax);
    if (to < text.length && /[\uD800-\uDBFF]/.test(text.charAt(to - 1))) to--;
    found.push(text.slice(from, to));
    from = to;
  }
  return found;
}
