import { type CaseContext, foldCase, nameSign } from './case.ts';
import { isPunctuation, pauseOf, peel } from './peel.ts';
import type { Pause, Token } from './token.ts';

const plainWord = /^[\p{L}\p{M}]+(?:['-][\p{L}\p{M}]+)*'?$/u;
const lettersOnly = /^[A-Za-z]+$/;
const plainNumber = /^[+-]?\d[\d.,]*$/;
const numberWithUnit = /^([+-]?\d[\d.,]*)(%|°?[A-Za-zµ°]{1,4})$/u;
const price = /^([$€£¥₹])(\d[\d.,]*)$/u;
const priceBehind = /^(\d[\d.,]*)([$€£¥₹])$/u;
const lettersAndDigits = /^[\p{L}\p{N}]+$/u;
const caselessName = /^(?:(?:node|vue|next|nuxt|express|three)\.js|[a-z\d-]+\.(?:com|org|net|io|ai|dev))$/i;

export interface Chunk {
  readonly tokens: readonly Token[];
  /** Punctuation alone: it belongs to the token before. */
  readonly pause: Pause;
}

export interface ChunkContext extends CaseContext {
  /** Nothing follows in the text. */
  readonly isLast: boolean;
  /** No space stands before it. */
  readonly isGlued: boolean;
}

/** Tokens of what stands between two spaces. */
export function readChunk(chunk: string, context: ChunkContext): Chunk {
  // Most chunks of most texts.
  if (lettersOnly.test(chunk)) return { tokens: [wordToken(chunk, context)], pause: '' };
  if (isPunctuation(chunk)) return readPunctuation(chunk, context);
  const peeled = peel(chunk);
  const tokens = [...peeled.before.map(symbol), ...classify(peeled.core, context), ...peeled.after.map(symbol)];
  const last = tokens.at(-1);
  if (last !== undefined) tokens[tokens.length - 1] = { ...last, pause: peeled.pause };
  return { tokens, pause: '' };
}

// Alone between spaces: "Ça va ?" and "well ... yes" say nothing with it, "cd .." and "a ? b : c" do.
function readPunctuation(chunk: string, { isLast, isGlued, program }: ChunkContext): Chunk {
  const isPath = chunk === '.' || chunk === '..';
  const isOperator = program && !isLast && chunk.length === 1;
  if (!isGlued && (isPath || isOperator)) return { tokens: [symbol(chunk)], pause: '' };
  return { tokens: [], pause: pauseOf(chunk) };
}

function classify(text: string, context: CaseContext): readonly Token[] {
  if (text === '') return [];
  if (plainWord.test(text)) return [wordToken(text, context)];
  if (plainNumber.test(text)) return [numberToken(text)];
  const unit = numberWithUnit.exec(text);
  if (unit?.[1] !== undefined && unit[2] !== undefined) return [numberToken(unit[1]), unitToken(unit[2], context)];
  const priced = price.exec(text);
  if (priced?.[1] !== undefined && priced[2] !== undefined) return [symbol(priced[1]), numberToken(priced[2])];
  const pricedBehind = priceBehind.exec(text);
  if (pricedBehind?.[1] !== undefined && pricedBehind[2] !== undefined) {
    return [numberToken(pricedBehind[1]), symbol(pricedBehind[2])];
  }
  const isCaseless = caselessName.test(text) || (lettersAndDigits.test(text) && hasOneCase(text));
  const folded = isCaseless && !context.program ? text.toLowerCase() : text;
  return [{ ...symbol(folded), name: nameSign(text, context) }];
}

function unitToken(unit: string, context: CaseContext): Token {
  if (!/^\p{L}+$/u.test(unit)) return symbol(unit);
  return { ...wordToken(unit, { ...context, sentenceStart: false, afterNumber: true }), name: 'no' };
}

const hasOneCase = (text: string) => text === text.toUpperCase() || text.slice(1) === text.slice(1).toLowerCase();
const symbol = (text: string): Token => ({ kind: 'symbol', text, name: 'no', pause: '' });
const numberToken = (text: string): Token => ({ kind: 'number', text, name: 'no', pause: '' });
const wordToken = (text: string, context: CaseContext): Token => ({
  kind: 'word',
  text: foldCase(text, context),
  name: nameSign(text, context),
  pause: '',
});
