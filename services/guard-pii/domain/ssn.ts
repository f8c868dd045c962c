import { asciiDigits } from './characters.ts';
import { saysSsn } from './context.ts';
import type { DigitGroups } from './digit-groups.ts';
import type { Span } from './span.ts';

/** Signs that people put between the three parts. */
const separator = /^(?: |[-\u2010\u2011\u2012\u2013\u2212])$/;

/**
 * A US social security number that begins with this group; adds it and returns its last group, else -1. Three parts with
 * the same sign between them, or nine digits in one where a word nearby says what they are.
 */
export function findSsn(groups: DigitGroups, group: number, found: Span[]): number {
  const last = groups.length(group) === 9 ? group : group + 2;
  if (!hasShape(groups, group, last)) return -1;
  const [start, end] = [groups.start(group), groups.end(last)];
  const digits = asciiDigits(groups.text.slice(start, end));
  if (!isAssignable(digits)) return -1;
  if (last === group && !saysSsn(groups.text, start, end)) return -1;
  found.push({ kind: 'ssn', start, end, value: digits });
  return last;
}

function hasShape(groups: DigitGroups, group: number, last: number): boolean {
  if (!groups.opens(group) || !groups.closes(last)) return false;
  if (last === group) return true;
  if (groups.length(group) !== 3 || groups.length(group + 1) !== 2 || groups.length(last) !== 4) return false;
  const sign = groups.separator(group);
  if (!separator.test(sign) || groups.separator(group + 1) !== sign) return false;
  // With blanks it must stand alone: "100 123 45 6789 12" is a row of figures.
  return sign !== ' ' || (!touches(groups, group - 1) && !touches(groups, last));
}

function touches(groups: DigitGroups, group: number): boolean {
  return group >= 0 && groups.separator(group) === ' ';
}

/** Social Security Administration, "Social Security Number Randomization": never assigned are areas 000, 666 and 900–999, group 00, serial 0000. */
function isAssignable(digits: string): boolean {
  const area = digits.slice(0, 3);
  if (area === '000' || area === '666' || area.startsWith('9')) return false;
  return digits.slice(3, 5) !== '00' && digits.slice(5) !== '0000';
}
