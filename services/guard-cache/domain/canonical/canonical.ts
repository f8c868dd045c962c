import { isEnglishWord, questionWords } from '../text/english.ts';
import type { Token } from '../text/token.ts';
import { withoutIdleArticles } from './articles.ts';
import { expand, isEnglishContraction } from './contractions.ts';
import { withoutCourtesy } from './courtesy.ts';
import { foldNumber, foldPercent } from './number.ts';
import { directQuestion, genitiveBehind, leadingPhraseLast, negationBehindPronoun, procedure } from './order.ts';
import { singular } from './plural.ts';

// Agreement of the verb follows the subject, which is compared itself.
const verbForms: Readonly<Record<string, string>> = { does: 'do', has: 'have' };
// Questions whose answer does not hang on one or several; "which book" and "give me an example" do.
const numberIndifferent = new Set(['how', 'why', 'where', 'when']);

type Step = (tokens: readonly Token[]) => readonly Token[];

const foldWords: Step = (tokens) =>
  tokens.map((token) => {
    if (token.kind !== 'word') return token;
    const form = Object.hasOwn(verbForms, token.text) ? verbForms[token.text] : undefined;
    return form === undefined ? token : { ...token, text: form };
  });

const foldPlurals: Step = (tokens) =>
  numberIndifferent.has(tokens[0]?.text ?? '')
    ? tokens.map((token) =>
        token.kind === 'word' && token.name !== 'yes' ? { ...token, text: singular(token.text) } : token,
      )
    : tokens;

const reorder: Step = (tokens) => {
  const { tokens: plain, indirect } = withoutCourtesy(tokens);
  return indirect && questionWords.has(plain[0]?.text ?? '') ? directQuestion(plain) : plain;
};

// "a, b, and c" as "a, b and c".
const withoutListCommas: Step = (tokens) =>
  tokens.map((token, index) =>
    token.pause === ',' && ['and', 'or'].includes(tokens[index + 1]?.text ?? '') ? { ...token, pause: '' } : token,
  );

// The order matters: a later step reads what an earlier one wrote.
const steps: readonly Step[] = [
  (tokens) => tokens.flatMap(expand),
  (tokens) => tokens.map(foldNumber),
  foldPercent,
  withoutListCommas,
  reorder,
  leadingPhraseLast,
  negationBehindPronoun,
  foldWords,
  procedure,
  genitiveBehind,
  withoutIdleArticles,
  foldPlurals,
];

// Whether the rules for English may be applied: a Spanish "a" (to) is no article, "vives" (you live) no plural.
const isEnglish = (tokens: readonly Token[]) =>
  tokens.some((token) => token.kind === 'word' && (isEnglishWord(token.text) || isEnglishContraction(token.text)));

/**
 * One sequence of tokens for all spellings of an English question that no careful reader would answer differently.
 * Everything that could matter stays in its place: content and function words, names, numbers, units, negations, symbols,
 * quoted text and code. A text in another language is returned as it is, to be compared word by word.
 */
export function canonical(tokens: readonly Token[]): readonly Token[] {
  return isEnglish(tokens) ? steps.reduce((sequence, step) => step(sequence), tokens) : tokens;
}
