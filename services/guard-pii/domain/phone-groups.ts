import { asciiDigits } from './characters.ts';
import { closesToken, type DigitGroups } from './digit-groups.ts';

/** A number found: its last group, and the same number however it was written. */
export interface PhoneFound {
  last: number;
  value: string;
}

/** No country writes a number in more groups, its own code included. */
const groupsMax = 7;

const extension = /[ ,;]{0,2}(?:ext(?:ension)?\.?|x|#)[ :]{0,2}[0-9]{1,6}(?![0-9])/iy;

/** Last groups that a number from `group` may have, the longest first. */
export function lasts(groups: DigitGroups, group: number, digitsMost: number): number[] {
  const found: number[] = [];
  let digits = 0;
  for (let last = group; last < groups.count && last - group < groupsMax; last++) {
    digits += groups.length(last);
    if (digits > digitsMost || (last > group && hasPlus(groups, last))) break;
    found.push(last);
  }
  return found.reverse();
}

export function digitsOf(groups: DigitGroups, first: number, last: number): string {
  return asciiDigits(groups.text.slice(groups.start(first), groups.end(last)));
}

/** Ends a number, with an extension or without. */
export function ends(groups: DigitGroups, last: number): boolean {
  return groups.closes(last) || extensionEnd(groups, last) !== -1;
}

/** The area code in brackets: (415) 555-2671. */
export function hasBrackets(groups: DigitGroups, group: number): boolean {
  return groups.text[groups.start(group) - 1] === '(' && groups.text[groups.end(group)] === ')';
}

export function hasPlus(groups: DigitGroups, group: number): boolean {
  const at = groups.start(group) - 1;
  const sign = groups.text[at] === '(' ? groups.text[at - 1] : groups.text[at];
  return sign === '+' || sign === '＋';
}

export function opening(groups: DigitGroups, group: number): number {
  let start = groups.start(group);
  if (hasBrackets(groups, group)) start--;
  const sign = groups.text[start - 1];
  return sign === '+' || sign === '＋' ? start - 1 : start;
}

export function ending(groups: DigitGroups, last: number): number {
  const end = extensionEnd(groups, last);
  return end === -1 ? groups.end(last) : end;
}

function extensionEnd(groups: DigitGroups, last: number): number {
  if (last < groups.count - 1 && !groups.closes(last)) return -1;
  extension.lastIndex = groups.end(last);
  return extension.test(groups.text) && closesToken(groups.text, extension.lastIndex) ? extension.lastIndex : -1;
}
