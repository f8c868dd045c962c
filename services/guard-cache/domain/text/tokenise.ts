import { isShouting } from './case.ts';
import { readChunk } from './chunk.ts';
import { type Segment, segment } from './segments.ts';
import type { Token } from './token.ts';

const programSigns = /[{}<>=\\|]|::|->|\(\)|\w\(|&&/;
const lineBreak: Token = { kind: 'break', text: '', name: 'no', pause: '' };

/** What a text says, without the accidents of typing: case, spaces, punctuation at the end of words, kinds of quotes. */
export function tokenise(text: string): readonly Token[] {
  const segments = segment(text);
  const prose = segments.filter((part) => part.kind === 'prose').map((part) => part.text);
  const context = {
    shouting: isShouting(prose.join(' ')),
    program: prose.some((part) => programSigns.test(part)),
  };
  const tokens: Token[] = [];
  let sentenceStart = true;
  segments.forEach((part, index) => {
    if (part.kind !== 'prose') {
      tokens.push({ kind: part.kind, text: part.text, name: 'no', pause: '' });
      sentenceStart = false;
      return;
    }
    sentenceStart = readProse(part, { ...context, sentenceStart, isLast: index === segments.length - 1 }, tokens);
  });
  return tokens;
}

interface ProseContext {
  readonly shouting: boolean;
  readonly program: boolean;
  readonly sentenceStart: boolean;
  readonly isLast: boolean;
}

function readProse(part: Segment, context: ProseContext, tokens: Token[]): boolean {
  let { sentenceStart } = context;
  // Even places hold what stands between spaces, odd ones the spaces.
  const pieces = part.text.split(/(\s+)/);
  const last = pieces.findLastIndex((piece, index) => index % 2 === 0 && piece !== '');
  pieces.forEach((piece, index) => {
    if (piece === '') return;
    if (index % 2 === 1) {
      if (!piece.includes('\n')) return;
      if (tokens.length > 0) tokens.push(lineBreak);
      sentenceStart = true;
      return;
    }
    const afterNumber = tokens.at(-1)?.kind === 'number';
    const isLast = context.isLast && index === last;
    const chunk = readChunk(piece, { ...context, sentenceStart, afterNumber, isLast, isGlued: index === 0 });
    tokens.push(...chunk.tokens);
    const before = tokens.at(-1);
    if (chunk.pause !== '' && before !== undefined) tokens[tokens.length - 1] = { ...before, pause: chunk.pause };
    sentenceStart = tokens.length === 0 || endsSentence(tokens.at(-1));
  });
  return sentenceStart;
}

const endsSentence = (token: Token | undefined) =>
  token?.kind === 'break' || token?.pause === '.' || token?.pause === '?';
