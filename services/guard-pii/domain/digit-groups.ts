import { isDigit, isWord } from './characters.ts';

/** Signs and blanks that may stand between the groups of one number: no line break, no comma, no colon. */
const separators = new Set([...' \u00a0\u2007\u2009\u202f.-/()\u2010\u2011\u2012\u2013\u2014\u2212'].map(codeOf));
const blanks = new Set([...' \u00a0\u2007\u2009\u202f'].map(codeOf));
const separatorCharactersMax = 4;

const firstDigit = /[0-9\u0660-\u0669\u06f0-\u06f9\uff10-\uff19]/g;

function codeOf(sign: string): number {
  return sign.charCodeAt(0);
}

/**
 * Walks over a text run by run: a run is a row of digit groups with nothing but separators between them, like
 * `+1 (415) 555-2671` or `2026-11-23`. Every character is looked at once; what is a number is for others to say.
 */
export class DigitGroups {
  readonly text: string;
  /** Of the groups of this run, [start, end). */
  readonly starts: number[] = [];
  readonly ends: number[] = [];
  /** In all groups of this run. */
  digits = 0;
  #from = 0;

  constructor(text: string) {
    this.text = text;
  }

  get count(): number {
    return this.starts.length;
  }

  /** The next run; false when there is none. */
  next(): boolean {
    this.starts.length = 0;
    this.ends.length = 0;
    this.digits = 0;
    firstDigit.lastIndex = this.#from;
    let start = firstDigit.exec(this.text)?.index ?? -1;
    if (start === -1) return false;
    while (start !== -1) {
      let end = start + 1;
      while (isDigit(this.text.charCodeAt(end))) end++;
      this.starts.push(start);
      this.ends.push(end);
      this.digits += end - start;
      this.#from = end;
      start = this.#afterSeparator(end);
    }
    return true;
  }

  start(group: number): number {
    return this.starts[group] ?? -1;
  }

  end(group: number): number {
    return this.ends[group] ?? -1;
  }

  /** Digits in the group; 0 when there is no such group. */
  length(group: number): number {
    return this.end(group) - this.start(group);
  }

  /** What stands between this group and the next. */
  separator(group: number): string {
    return group + 1 < this.count ? this.text.slice(this.end(group), this.start(group + 1)) : '';
  }

  /** The group begins a number of its own: at the start of the run's token, or after a blank. */
  opens(group: number): boolean {
    return group === 0 ? opensToken(this.text, this.start(0)) : this.#hasBlank(group - 1);
  }

  /** The group ends a number of its own. */
  closes(group: number): boolean {
    return group === this.count - 1 ? closesToken(this.text, this.end(group)) : this.#hasBlank(group);
  }

  #hasBlank(group: number): boolean {
    for (let at = this.end(group); at < this.start(group + 1); at++) {
      if (blanks.has(this.text.charCodeAt(at))) return true;
    }
    return false;
  }

  #afterSeparator(end: number): number {
    for (let at = end; at <= end + separatorCharactersMax; at++) {
      const code = this.text.charCodeAt(at);
      if (isDigit(code)) return at;
      if (!separators.has(code)) return -1;
    }
    return -1;
  }
}

/** Signs that make what follows an amount, an id, a share or a part of something else. */
const claimsNext = new Set([...'@#%$€£¥₹₩\\^~'].map(codeOf));
const glue = new Set([...'-./\u2010\u2011\u2012\u2013\u2014\u2212'].map(codeOf));

/** "Tel.415-555-2671" */
const labelBefore = /(?:^|[^\p{L}])(?:tel|ph|phone|fax|mob|mobile|cell)\.$/iu;

/** Whether a number may begin here, judged by what stands directly before it and its `(` and `+`. */
function opensToken(text: string, start: number): boolean {
  let at = start - 1;
  while (at >= start - 3 && (text[at] === '(' || text[at] === '+' || text[at] === '＋')) at--;
  if (at < 0) return true;
  const code = text.charCodeAt(at);
  if (isWord(code) || claimsNext.has(code)) return false;
  if (at === 0) return true;
  const before = text.charCodeAt(at - 1);
  // "12:30", and parts of ids, addresses, versions and paths.
  if (code === 0x3a) return !isDigit(before);
  if (!glue.has(code) || !isWord(before)) return true;
  return code === 0x2e && labelBefore.test(text.slice(Math.max(0, at - 8), at + 1));
}

/** Whether a number may end here. */
export function closesToken(text: string, end: number): boolean {
  const at = text[end] === ')' ? end + 1 : end;
  const code = text.charCodeAt(at);
  if (Number.isNaN(code)) return true;
  if (isWord(code) || code === 0x40 || code === 0x25) return false;
  const after = text.charCodeAt(at + 1);
  if (Number.isNaN(after)) return true;
  if (code === 0x3a) return !isDigit(after);
  // A dot without a space after it may end a sentence; a hyphen or slash never ends a number.
  if (code === 0x2e) return !isDigit(after);
  return !glue.has(code) || !isWord(after);
}
