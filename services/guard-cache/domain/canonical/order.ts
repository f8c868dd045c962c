import { auxiliaries, copulas, functionWords, prepositions, pronouns, questionWords } from '../text/english.ts';
import { type Token, word } from '../text/token.ts';

const leadingPhraseTokensMax = 5;
const genitiveTokensMax = 3;
// "How do I feel" asks about me, "how to feel" does not.
const states = new Set(
  'look feel seem sound appear smell do am be go have owe need exist belong differ react compare rank stand matter'.split(
    ' ',
  ),
);

const textAt = (tokens: readonly Token[], index: number) => tokens[index]?.text ?? '';

/** "what the capital is" (from "tell me what …") as "what is the capital". */
export function directQuestion(tokens: readonly Token[]): readonly Token[] {
  const last = tokens.at(-1);
  if (last === undefined || tokens.length < 3 || !copulas.has(last.text) || !questionWords.has(textAt(tokens, 0)))
    return tokens;
  return [...tokens.slice(0, 1), { ...last, pause: '' }, ...tokens.slice(1, -1)];
}

/** "can not I" (from "can't I") as "can I not". */
export function negationBehindPronoun(tokens: readonly Token[]): readonly Token[] {
  const at = tokens.findIndex(
    (token, index) =>
      token.text === 'not' && auxiliaries.has(textAt(tokens, index - 1)) && pronouns.has(textAt(tokens, index + 1)),
  );
  if (at < 0) return tokens;
  const [negation, pronoun] = [tokens[at], tokens[at + 1]];
  if (negation === undefined || pronoun === undefined) return tokens;
  return [...tokens.slice(0, at), pronoun, negation, ...tokens.slice(at + 2)];
}

/** "In Python, how do I sort a list?" as "how do I sort a list in Python". */
export function leadingPhraseLast(tokens: readonly Token[]): readonly Token[] {
  const comma = tokens.findIndex((token) => token.pause !== '');
  const follows = tokens[comma + 1];
  const isPhrase =
    tokens[comma]?.pause === ',' && comma > 0 && comma < leadingPhraseTokensMax && prepositions.has(textAt(tokens, 0));
  if (!isPhrase || follows === undefined || !questionWords.has(follows.text)) return tokens;
  const question = tokens.slice(comma + 1, -1);
  const last = tokens.at(-1);
  if (last === undefined || question.some((token) => token.pause !== '')) return tokens;
  return [...question, { ...last, pause: '' }, ...tokens.slice(0, comma + 1)];
}

/** "how do I" and "how can I" as "how to", where the answer is a procedure. */
export function procedure(tokens: readonly Token[]): readonly Token[] {
  const asks = textAt(tokens, 0) === 'how' && ['do', 'can'].includes(textAt(tokens, 1)) && textAt(tokens, 2) === 'i';
  if (!asks || states.has(textAt(tokens, 3)) || tokens[3]?.kind !== 'word') return tokens;
  return [...tokens.slice(0, 1), word('to'), ...tokens.slice(3)];
}

/** "what is France's capital" as "what is the capital of France". Only where the genitive is the whole question. */
export function genitiveBehind(tokens: readonly Token[]): readonly Token[] {
  const at = tokens.findIndex((token) => token.text === "'s");
  const owner = tokens.slice(2, at);
  const owned = tokens.slice(at + 1);
  const isQuestion = questionWords.has(textAt(tokens, 0)) && copulas.has(textAt(tokens, 1));
  const fits = [owner, owned].every(
    (part) =>
      part.length > 0 &&
      part.length <= genitiveTokensMax &&
      part.every((token) => token.kind === 'word' && token.text !== "'s" && !functionWords.has(token.text)) &&
      part.slice(0, -1).every((token) => token.pause === ''),
  );
  if (at < 3 || !isQuestion || !fits) return tokens;
  const placed = owned.map((token) => ({ ...token, pause: '' as const }));
  return [...tokens.slice(0, 2), word('the'), ...placed, word('of'), ...owner];
}
