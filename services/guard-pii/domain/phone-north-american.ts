import { saysPhone } from './context.ts';
import type { DigitGroups } from './digit-groups.ts';
import type { PhoneBook, Region } from './phone-book.ts';
import { digitsOf, ends, hasBrackets, type PhoneFound } from './phone-groups.ts';

/** Lengths of the groups after the 1, and whether a word nearby must say that it is a phone number. */
const shapes: readonly { lengths: readonly number[]; bare: boolean }[] = [
  { lengths: [3, 3, 4], bare: false },
  { lengths: [3, 7], bare: true },
  { lengths: [6, 4], bare: true },
  { lengths: [10], bare: true },
];

/** Area code and exchange of every number of the plan; spares most other rows of figures the question. */
const canBeAssigned = /^[2-9]\d\d[2-9]/;

/**
 * 415-555-2671, (415) 555-2671, 1.415.555.2671. Ten digits in one are more often an order, a time or an id, so they need
 * a word like "phone" nearby. Made-up numbers (123-456-7890) are taken too where the form or a word is clear.
 */
export function findNorthAmerican(
  groups: DigitGroups,
  group: number,
  region: Region,
  book: PhoneBook,
): PhoneFound | undefined {
  const isOne = groups.length(group) === 1 && groups.text[groups.start(group)] === '1';
  const first = isOne ? group + 1 : group;
  const shape = shapes.find(({ lengths }) => lengths.every((length, i) => groups.length(first + i) === length));
  if (shape === undefined) return findEleven(groups, group, region, book);
  const last = first + shape.lengths.length - 1;
  if (!ends(groups, last)) return undefined;
  const says = () => saysPhone(groups.text, groups.start(group), groups.end(last));
  if (shape.bare && !says()) return undefined;
  const digits = digitsOf(groups, first, last);
  const value = canBeAssigned.test(digits) ? book.e164(digits, region.code) : undefined;
  if (value !== undefined) return { last, value };
  if (shape.bare) return undefined;
  const clear = hasBrackets(groups, first) || digits.startsWith('555') || says();
  return clear ? { last, value: `+1${digits}` } : undefined;
}

/** 14155552671 */
function findEleven(groups: DigitGroups, group: number, region: Region, book: PhoneBook): PhoneFound | undefined {
  if (groups.length(group) !== 11 || !groups.closes(group)) return undefined;
  const digits = digitsOf(groups, group, group);
  if (!digits.startsWith('1') || !saysPhone(groups.text, groups.start(group), groups.end(group))) return undefined;
  const value = book.e164(digits.slice(1), region.code);
  return value === undefined ? undefined : { last: group, value };
}
