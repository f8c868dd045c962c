import { asciiDigits } from './characters.ts';
import { saysOther, saysPhone } from './context.ts';
import type { DigitGroups } from './digit-groups.ts';
import type { PhoneBook, Region } from './phone-book.ts';
import { digitsOf, ending, ends, hasPlus, lasts, opening, type PhoneFound } from './phone-groups.ts';
import { findNational } from './phone-national.ts';
import { findNorthAmerican } from './phone-north-american.ts';
import type { Span } from './span.ts';

export interface PhoneRules {
  /** Numbers without + are read as of these. */
  regions: readonly Region[];
  book: PhoneBook;
}

/** E.164: at most 15 digits. */
const digitsMax = 15;
const digitsMin = 8;

/** A phone number that begins with this group; adds it and returns its last group, else -1. */
export function findPhone(groups: DigitGroups, group: number, rules: PhoneRules, found: Span[]): number {
  if (!groups.opens(group)) return -1;
  const number = findInternational(groups, group, rules) ?? findByRegion(groups, group, rules);
  if (number === undefined) return -1;
  const start = opening(groups, group);
  found.push({ kind: 'phone', start, end: ending(groups, number.last), value: number.value });
  return number.last;
}

/** +49 30 123456, 0049 30 123456, 011 49 30 123456: the longest that is a number. */
function findInternational(groups: DigitGroups, group: number, { book, regions }: PhoneRules): PhoneFound | undefined {
  const plus = hasPlus(groups, group);
  const prefix = plus ? 0 : dialledPrefix(groups, group, regions);
  if (prefix === -1) return undefined;
  const national = groups.length(group) === prefix ? group + 1 : group;
  for (const last of lasts(groups, group, digitsMax + prefix)) {
    if (last < national || !ends(groups, last)) continue;
    const digits = digitsOf(groups, group, last).slice(prefix);
    if (digits.length < digitsMin) break;
    if (!plus && last === group && !saysPhone(groups.text, groups.start(group), groups.end(last))) continue;
    const value = book.e164(`+${digits}`);
    if (value !== undefined) return { last, value };
    // What is made up for an example, like +1 555 123 4567, is meant as a number too.
    if (plus && /^1[2-9]\d{9}$/.test(digits)) return { last, value: `+${digits}` };
  }
  return undefined;
}

function findByRegion(groups: DigitGroups, group: number, { book, regions }: PhoneRules): PhoneFound | undefined {
  const start = groups.start(group);
  for (const region of regions) {
    const number = region.isNorthAmerican
      ? findNorthAmerican(groups, group, region, book)
      : findNational(groups, group, region, book);
    if (number !== undefined) return saysOther(groups.text, start) ? undefined : number;
  }
  return undefined;
}

/** Length of the prefix that is dialled instead of the +; -1 when the group does not begin with one. */
function dialledPrefix(groups: DigitGroups, group: number, regions: readonly Region[]): number {
  const digits = asciiDigits(groups.text.slice(groups.start(group), groups.start(group) + 4));
  if (/^00[1-9]/.test(digits) || (digits === '00' && groups.length(group) === 2)) return 2;
  if (digits.startsWith('011') && groups.length(group) === 3 && regions.some((region) => region.isNorthAmerican))
    return 3;
  return -1;
}
