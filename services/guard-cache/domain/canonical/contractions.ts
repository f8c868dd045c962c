import { type Token, word } from '../text/token.ts';

// Only forms with one reading. "he'd" (had, would) and "its" (it's, of it) stay what they are.
const whole: Readonly<Record<string, string>> = {
  "can't": 'can not',
  cannot: 'can not',
  "won't": 'will not',
  "shan't": 'shall not',
  "let's": 'let us',
  "i'm": 'i am',
  im: 'i am',
  whats: 'what is',
  wheres: 'where is',
  whos: 'who is',
  hows: 'how is',
  thats: 'that is',
  theres: 'there is',
  dont: 'do not',
  doesnt: 'does not',
  didnt: 'did not',
  isnt: 'is not',
  arent: 'are not',
  wasnt: 'was not',
  werent: 'were not',
  cant: 'can not',
  couldnt: 'could not',
  shouldnt: 'should not',
  wouldnt: 'would not',
  hasnt: 'has not',
  havent: 'have not',
  youre: 'you are',
  theyre: 'they are',
};
const isAfter = new Set(
  'what who where when why how that there here it he she everything everyone something'.split(' '),
);
const endings: readonly (readonly [string, string])[] = [
  ["n't", 'not'],
  ["'re", 'are'],
  ["'ve", 'have'],
  ["'ll", 'will'],
];

const onlyEnglish = /(?:n't|'re|'ve|'ll|'m)$/;

/** A contraction that no other language has. */
export const isEnglishContraction = (text: string): boolean =>
  onlyEnglish.test(text) || (text.endsWith("'s") && isAfter.has(text.slice(0, -2)));

/** The token as the words it stands for; a genitive becomes the word and `'s`. */
export function expand(token: Token): readonly Token[] {
  if (token.kind !== 'word') return [token];
  const full = Object.hasOwn(whole, token.text) ? whole[token.text] : undefined;
  if (full !== undefined) return parts(token, full.split(' '));
  if (!token.text.includes("'")) return [token];
  for (const [ending, spelled] of endings) {
    if (token.text.length > ending.length && token.text.endsWith(ending)) {
      return parts(token, [token.text.slice(0, -ending.length), spelled]);
    }
  }
  if (token.text.length > 2 && token.text.endsWith("'s")) {
    const base = token.text.slice(0, -2);
    return parts(token, [base, isAfter.has(base) ? 'is' : "'s"]);
  }
  return [token];
}

function parts(token: Token, texts: readonly string[]): readonly Token[] {
  return texts.map((text, index) => ({
    ...word(text),
    name: index === 0 ? token.name : 'no',
    pause: index === texts.length - 1 ? token.pause : '',
  }));
}
