import { asciiDigits } from './characters.ts';
import { saysPhone } from './context.ts';
import type { DigitGroups } from './digit-groups.ts';
import type { PhoneBook, Region } from './phone-book.ts';
import { digitsOf, ends, lasts, type PhoneFound } from './phone-groups.ts';

/**
 * A number in the national form of a region outside North America: with the trunk prefix where the region has one
 * (030 123456), else grouped as the region writes it (612 34 56 78). In one group, or grouped otherwise, a word nearby
 * must say that it is a phone number.
 */
export function findNational(
  groups: DigitGroups,
  group: number,
  region: Region,
  book: PhoneBook,
): PhoneFound | undefined {
  if (!asciiDigits(groups.text.slice(groups.start(group), groups.end(group))).startsWith(region.trunk))
    return undefined;
  for (const last of lasts(groups, group, region.digitsMax)) {
    const digits = digitsOf(groups, group, last);
    if (digits.length < region.digitsMin) break;
    if (!ends(groups, last)) continue;
    if (last === group && !saysPhone(groups.text, groups.start(group), groups.end(last))) continue;
    const value = book.e164(digits, region.code);
    if (value === undefined) continue;
    if (last === group || region.trunk !== '' || isWritten(digits, groups, group, last, region, book)) {
      return { last, value };
    }
  }
  return undefined;
}

function isWritten(
  digits: string,
  groups: DigitGroups,
  group: number,
  last: number,
  region: Region,
  book: PhoneBook,
): boolean {
  const lengths = book.nationalGroups(digits, region.code);
  const same = lengths.length === last - group + 1 && lengths.every((length, i) => groups.length(group + i) === length);
  return same || saysPhone(groups.text, groups.start(group), groups.end(last));
}
