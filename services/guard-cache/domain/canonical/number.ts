import type { Token } from '../text/token.ts';

// Not "one": it is a pronoun as often as a number.
const spelled: Readonly<Record<string, string>> = {
  two: '2',
  three: '3',
  four: '4',
  five: '5',
  six: '6',
  seven: '7',
  eight: '8',
  nine: '9',
  ten: '10',
  eleven: '11',
  twelve: '12',
};
const groupedThousands = /^[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?$/;

/**
 * English numbers in one spelling: two is 2, 1,000 is 1000. 1.000 stays apart from both, 3.10 from 3.1 and 007 from 7:
 * versions and identifiers are not quantities.
 */
export function foldNumber(token: Token): Token {
  if (token.kind === 'number' && groupedThousands.test(token.text))
    return { ...token, text: token.text.replaceAll(',', '') };
  if (token.kind !== 'word' || !Object.hasOwn(spelled, token.text)) return token;
  return { ...token, kind: 'number', text: spelled[token.text] ?? token.text, name: 'no' };
}

/** "15 percent" and "15 %" as one. */
export function foldPercent(tokens: readonly Token[]): readonly Token[] {
  return tokens.map((token, index) =>
    token.text === 'percent' && tokens[index - 1]?.kind === 'number' ? { ...token, kind: 'symbol', text: '%' } : token,
  );
}
