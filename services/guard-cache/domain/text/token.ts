/**
 * `word` letters, `number` digits, `symbol` everything else that stands between spaces, `code` and `quote` verbatim text,
 * `break` the end of a line.
 */
type TokenKind = 'word' | 'number' | 'symbol' | 'code' | 'quote' | 'break';

/** `yes` a capital inside a sentence or an acronym, `maybe` the capital of a sentence's first word. */
export type NameSign = 'yes' | 'maybe' | 'no';

/** How a clause ended: not at all, `,` (and its like), `.` (and `!`) or `?`. */
export type Pause = '' | ',' | '.' | '?';

export interface Token {
  readonly kind: TokenKind;
  /** As compared: in lower case where case carries no meaning. */
  readonly text: string;
  readonly name: NameSign;
  /** The punctuation behind it. */
  readonly pause: Pause;
}

export const word = (text: string): Token => ({ kind: 'word', text, name: 'no', pause: '' });

/**
 * Unambiguous spelling of a sequence: two sequences have the same one if and only if kinds, texts and the punctuation
 * between them are the same ("no, pets allowed" is not "no pets allowed"). What stands behind the last one says nothing.
 */
export const spell = (tokens: readonly Token[]): string =>
  tokens
    .map((token, index) => `${token.kind[0]}${token.text}${index < tokens.length - 1 ? `\u0001${token.pause}` : ''}`)
    .join('\u0001');
