import type { Pause } from './token.ts';

// Of the scripts that end sentences with other characters too.
const pauses: readonly (readonly [Pause, ReadonlySet<string>])[] = [
  ['?', new Set('?？؟')],
  ['.', new Set('.!…。！')],
  [',', new Set(',;:，、；：،')],
];
const punctuation = new Set(pauses.flatMap(([, characters]) => [...characters]));
const brackets: readonly (readonly [string, string])[] = [
  ['(', ')'],
  ['[', ']'],
  ['{', '}'],
];
const plainWord = /^[\p{L}\p{M}]+$/u;
const roundsMax = 8;

export interface Peeled {
  readonly before: readonly string[];
  readonly core: string;
  readonly after: readonly string[];
  readonly pause: Pause;
}

export function isPunctuation(text: string): boolean {
  for (const character of text) if (!punctuation.has(character)) return false;
  return true;
}

/** The strongest of some punctuation. */
export function pauseOf(text: string): Pause {
  const found = pauses.find(([, characters]) => [...text].some((character) => characters.has(character)));
  return found?.[0] ?? '';
}

/** Takes a sentence's punctuation and brackets off what stands between two spaces. */
export function peel(chunk: string): Peeled {
  const before: string[] = [];
  const after: string[] = [];
  let core = chunk.replace(/^[¿¡]+/, '');
  let behind = '';
  for (let round = 0; round < roundsMax; round++) {
    const length = lengthWithoutPunctuation(core);
    behind += core.slice(length);
    core = core.slice(0, length);
    const opening = brackets.find(
      ([open, close]) => core.length > 1 && core.startsWith(open) && isOfSentence(core, close, 0),
    );
    if (opening !== undefined) {
      before.push(opening[0]);
      core = core.slice(1);
      continue;
    }
    const closing = brackets.find(
      ([open, close]) => core.length > 1 && core.endsWith(close) && isOfSentence(core, open, core.length - 1),
    );
    if (closing === undefined) break;
    after.unshift(closing[1]);
    core = core.slice(0, -1);
  }
  return { before, core, after, pause: pauseOf(behind) };
}

// From the end by hand: a regular expression that looks for the end of a run is quadratic in "....x".
function lengthWithoutPunctuation(text: string): number {
  let length = text.length;
  while (length > 0 && punctuation.has(text.charAt(length - 1))) length--;
  const body = text.slice(0, length);
  // A factorial is no exclamation, and the question mark of "a*?" may be the expression's.
  if (text.charAt(length) === '!' && /^(?:\d+|[a-z])$/i.test(body)) return length + 1;
  return /[?.!]/.test(text.charAt(length)) && endsLikeExpression(body) ? length + 1 : length;
}

function endsLikeExpression(text: string): boolean {
  const last = text.charAt(text.length - 1);
  const own = brackets.find(([, close]) => close === last);
  if (own !== undefined) return text.includes(own[0]);
  return '*+$^|\\'.includes(last) && last !== '' && !/^[A-Za-z]\+\+$/.test(text);
}

// "(word" and "(word)" have a bracket of the sentence; "f(x)", "(a+b)*c" and "arr[0]" one of their own.
function isOfSentence(text: string, counterpart: string, at: number): boolean {
  const rest = text.slice(0, at) + text.slice(at + 1);
  if (!rest.includes(counterpart)) return true;
  return plainWord.test(at === 0 ? rest.slice(0, -1) : rest.slice(1));
}
