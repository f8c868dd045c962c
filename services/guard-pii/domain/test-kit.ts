import { find, type MaskRules } from './mask.ts';
import { PhoneBook, regionOf } from './phone-book.ts';
import type { Kind } from './span.ts';

export function rules(kinds: Kind[] = ['email', 'phone', 'ssn'], regions: string[] = ['US']): MaskRules {
  return { kinds: new Set(kinds), regions: regions.map(regionOf) };
}

/** The findings as they stand in the text. */
export function found(text: string, kinds?: Kind[], regions?: string[]): string[] {
  return find(text, rules(kinds, regions), new PhoneBook()).map(({ start, end }) => text.slice(start, end));
}
