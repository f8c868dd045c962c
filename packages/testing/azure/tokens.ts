import { setImmediate as nextTurn } from 'node:timers/promises';

/**
 * Token counts from a real tokenizer. The tables weigh about 100 MB and load in a third of a second, so they are
 * loaded at the first use: a bench that answers from a prebuilt text never pays for them.
 */
export type EncodingName = 'o200k_base' | 'cl100k_base';

interface Encoding {
  countTokens(text: string, options: object): number;
  encode(text: string, options: object): number[];
  decodeGenerator(tokens: Iterable<number>): Iterable<string>;
}

/** A piece of an answer as one chunk of a stream carries it. */
export interface Piece {
  text: string;
  tokens: number;
}

// Callers may write `<|endoftext|>` in a prompt: the provider reads it as ordinary text.
const PLAIN_TEXT = { disallowedSpecial: new Set<string>() };
// Up to here a stream has one chunk a token, above it about PIECES_MAX chunks, or a MiB would become 100 MiB of events.
const TOKEN_PIECES_CHARS_MAX = 32_768;
const PIECES_MAX = 8_192;
// Counting in slices lets other calls run in between; a slice takes about 3 ms.
const SLICE_CHARS = 65_536;
// Byte pair merging is quadratic in the length of an unbroken run; no word of a language is as long as this.
const RUN_CHARS_MAX = 256;
const LONG_RUN = /[\p{L}\p{M}]{256}|[^\s\p{L}\p{N}]{256}|\s{256}/gu;

const loaders: Record<EncodingName, () => Promise<Encoding>> = {
  o200k_base: () => import('gpt-tokenizer/encoding/o200k_base'),
  cl100k_base: () => import('gpt-tokenizer/encoding/cl100k_base'),
};
const loaded = new Map<EncodingName, Promise<Encoding>>();

function encoding(name: EncodingName): Promise<Encoding> {
  let tables = loaded.get(name);
  if (!tables) {
    tables = loaders[name]();
    loaded.set(name, tables);
  }
  return tables;
}

/** Cuts where the tokenizer would cut anyway (before the space of a following word), so that the parts' counts add up. */
function slices(text: string, sliceChars: number): string[] {
  if (text.length <= sliceChars) return [text];
  const parts: string[] = [];
  let start = 0;
  while (start < text.length) {
    let end = Math.min(start + sliceChars, text.length);
    if (end < text.length) {
      const lookahead = text.slice(end, end + RUN_CHARS_MAX);
      const space = lookahead.search(/(?<=\S) (?=\p{L})/u);
      if (space >= 0) end += space;
      else if (isLowSurrogate(text.charCodeAt(end))) end += 1;
    }
    parts.push(text.slice(start, end));
    start = end;
  }
  return parts;
}

function isLowSurrogate(code: number): boolean {
  return code >= 0xdc00 && code <= 0xdfff;
}

function countSlice(tables: Encoding, text: string): number {
  if (text.length <= RUN_CHARS_MAX) return tables.countTokens(text, PLAIN_TEXT);
  let tokens = 0;
  let start = 0;
  for (const run of text.matchAll(LONG_RUN)) {
    const end = run.index + run[0].length;
    tokens += tables.countTokens(text.slice(start, end), PLAIN_TEXT);
    start = end;
  }
  return start === text.length ? tokens : tokens + tables.countTokens(text.slice(start), PLAIN_TEXT);
}

export async function countTokens(text: string, name: EncodingName = 'o200k_base'): Promise<number> {
  const tables = await encoding(name);
  let tokens = 0;
  for (const [index, slice] of slices(text, SLICE_CHARS).entries()) {
    if (index > 0) await nextTurn();
    tokens += countSlice(tables, slice);
  }
  return tokens;
}

function tokenPieces(tables: Encoding, text: string): Piece[] {
  const pieces: Piece[] = [];
  let taken = 0;
  function* counted() {
    for (const token of tables.encode(text, PLAIN_TEXT)) {
      taken += 1;
      yield token;
    }
  }
  let reported = 0;
  for (const part of tables.decodeGenerator(counted())) {
    pieces.push({ text: part, tokens: taken - reported });
    reported = taken;
  }
  return pieces;
}

/** Splits an answer (o200k) into the chunks of a stream; in text with spaces their tokens add up to `countTokens(text)`. */
export async function toPieces(text: string): Promise<Piece[]> {
  if (text === '') return [];
  const tables = await encoding('o200k_base');
  if (text.length <= TOKEN_PIECES_CHARS_MAX && text.search(LONG_RUN) < 0) return tokenPieces(tables, text);
  const pieces: Piece[] = [];
  let counted = 0;
  for (const part of slices(text, Math.max(RUN_CHARS_MAX, Math.ceil(text.length / PIECES_MAX)))) {
    pieces.push({ text: part, tokens: countSlice(tables, part) });
    counted += part.length;
    if (counted >= SLICE_CHARS) {
      counted = 0;
      await nextTurn();
    }
  }
  return pieces;
}

/** The longest beginning that has at most `tokensMax` tokens. */
export async function truncatePieces(pieces: readonly Piece[], tokensMax: number): Promise<Piece[]> {
  const kept: Piece[] = [];
  let left = tokensMax;
  for (const piece of pieces) {
    if (piece.tokens > left) {
      if (piece.tokens > 1 && left > 0) {
        const parts = tokenPieces(await encoding('o200k_base'), piece.text);
        for (const part of parts) {
          if (part.tokens > left) break;
          kept.push(part);
          left -= part.tokens;
        }
      }
      break;
    }
    kept.push(piece);
    left -= piece.tokens;
  }
  return kept;
}

export function sumTokens(pieces: readonly Piece[]): number {
  return pieces.reduce((sum, piece) => sum + piece.tokens, 0);
}

export function textOf(pieces: readonly Piece[]): string {
  return pieces.map((piece) => piece.text).join('');
}
