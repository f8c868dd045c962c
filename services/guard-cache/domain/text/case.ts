import type { NameSign } from './token.ts';

const list = (words: string): ReadonlySet<string> => new Set(words.split(' '));

// Acronyms that are other words in lower case.
const collidingAcronyms = list(
  'us it who aids or in is an as at be by do go he if me my no of on so to up we am and the can may will led ram sat act bat cat pet gas fat cap sap bar dos era ice art cab pie pin tan net mad add ace dip lap nap pap rip sos sum tap map',
);
// Where a whole text is in capitals these stay apart from the lower-case word; the others are taken as the word.
const acronymsWhenShouting = list('us aids ram sat sap gas era');
// Words whose capital changes the meaning (capitonyms), as far as both readings are common.
const capitonyms = list(
  'polish turkey china may march august nice reading mobile bath job lent mass concord mercury apple amazon orange target gap ford bill mark frank rose grace hope faith joy will rob sue art rich dawn cork chad lima natal tangier',
);
// Units whose case is their size: a megabit is not a megabyte, a milliwatt not a megawatt.
const casedUnits = list('mb gb kb tb pb mbps gbps kbps mw mv ma pa mhz');
const foldedUnits = list('km kg cm am pm eur usd gbp mph lb lbs oz ft st nd rd th min sec hrs');

export interface CaseContext {
  readonly sentenceStart: boolean;
  readonly afterNumber: boolean;
  /** The text is mostly capitals. */
  readonly shouting: boolean;
  /** The text looks like a program: every capital counts, the first of a sentence excepted. */
  readonly program: boolean;
}

const hasLower = (character: string) => character !== character.toLowerCase();
const hasUpper = (character: string) => character !== character.toUpperCase();

/** The word in lower case, or as written where its case carries the meaning. */
export function foldCase(text: string, context: CaseContext): string {
  const lower = text.toLowerCase();
  if (lower === text) return text;
  const capitalised = text.slice(1) === lower.slice(1);
  if (context.program) return context.sentenceStart && capitalised && text.length > 1 ? lower : text;
  if (text.length === 1) return text === 'I' || (text === 'A' && context.sentenceStart) ? lower : text;
  if (casedUnits.has(lower)) return text;
  if (context.afterNumber && text.length <= 3 && !foldedUnits.has(lower)) return text;
  if (text === text.toUpperCase()) {
    const apart = context.shouting ? acronymsWhenShouting : collidingAcronyms;
    return apart.has(lower) && !(context.sentenceStart && text.length === 1) ? text : lower;
  }
  return capitalised && !context.sentenceStart && capitonyms.has(lower) ? text : lower;
}

export function nameSign(text: string, context: CaseContext): NameSign {
  if (context.shouting || text === 'I' || !hasLower(text.charAt(0))) return 'no';
  return context.sentenceStart && (text.length === 1 || text !== text.toUpperCase()) ? 'maybe' : 'yes';
}

const shoutingShare = 0.7;
const shoutingLettersMin = 8;

/** Most letters are capitals, in a text that is longer than an acronym. */
export function isShouting(text: string): boolean {
  let letters = 0;
  let capitals = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    const isCapital = code < 128 ? code >= 65 && code <= 90 : hasLower(text.charAt(at));
    if (isCapital) capitals++;
    if (isCapital || (code < 128 ? code >= 97 && code <= 122 : hasUpper(text.charAt(at)))) letters++;
  }
  return letters >= shoutingLettersMin && capitals > letters * shoutingShare;
}
