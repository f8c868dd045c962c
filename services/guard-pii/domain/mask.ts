import type { PiiResult } from '@tollgate/contracts';
import { blocked } from './blocked.ts';
import { DigitGroups } from './digit-groups.ts';
import { findEmails } from './email.ts';
import { findPhone } from './phone.ts';
import { PhoneBook, type Region } from './phone-book.ts';
import { Placeholders } from './placeholders.ts';
import { entityNames, type Kind, type Mode, type Span } from './span.ts';
import { findSsn } from './ssn.ts';

export interface MaskRules {
  kinds: ReadonlySet<Kind>;
  /** Numbers without + are read as of these. */
  regions: readonly Region[];
  /** Default: mask. */
  mode?: Mode;
}

/** Fewer digits are no number of any kind. */
const digitsMin = 7;

/** Without one of these in it, a text has nothing to find. */
const anySign = /[@0-9\u0660-\u0669\u06f0-\u06f9\uff10-\uff19]/;

/** Says that something stood here, and nothing of it: not even whether two were the same. */
const redacted = { of: () => '*****' };

/**
 * Masks all texts of a request together: the same value gets the same placeholder in all of them. Linear in their length.
 * In mode `block` nothing is masked: the result is a refusal that says what was found how often.
 * @throws ScanTooCostly when more than `questionsMax` phone numbers had to be looked at closely
 */
export function mask(texts: readonly string[], rules: MaskRules, questionsMax?: number): PiiResult {
  const result: PiiResult = { masked: [], entities: {}, originals: {}, refusal: undefined };
  let placeholders: Pick<Placeholders, 'of'> | undefined = rules.mode === 'redact' ? redacted : undefined;
  let book: PhoneBook | undefined;
  for (const [index, text] of texts.entries()) {
    if (!anySign.test(text)) continue;
    book ??= new PhoneBook(questionsMax);
    const spans = find(text, rules, book);
    if (spans.length === 0) continue;
    for (const { kind } of spans) {
      const entity = entityNames[kind];
      result.entities[entity] = (result.entities[entity] ?? 0) + 1;
    }
    if (rules.mode === 'block') continue;
    placeholders ??= new Placeholders(texts);
    result.masked.push({ index, text: replace(text, spans, placeholders) });
  }
  if (rules.mode === 'block') result.refusal = blocked(result.entities);
  return result;
}

/** All findings of a text in order, none overlapping another. */
export function find(text: string, { kinds, regions }: MaskRules, book: PhoneBook): Span[] {
  const spans: Span[] = [];
  if (kinds.has('email')) findEmails(text, spans);
  if (!kinds.has('phone') && !kinds.has('ssn')) return spans;
  const numbers: Span[] = [];
  const groups = new DigitGroups(text);
  while (groups.next()) {
    if (groups.digits < digitsMin) continue;
    for (let group = 0; group < groups.count; group++) {
      let last = kinds.has('ssn') ? findSsn(groups, group, numbers) : -1;
      if (last === -1 && kinds.has('phone')) last = findPhone(groups, group, { regions, book }, numbers);
      if (last !== -1) group = last;
    }
  }
  return numbers.length === 0 ? spans : merge(spans, numbers);
}

/** Both in order; a number within an address is part of it. */
function merge(emails: readonly Span[], numbers: readonly Span[]): Span[] {
  const merged: Span[] = [];
  let next = 0;
  for (const number of numbers) {
    for (; next < emails.length && (emails[next] as Span).start < number.end; next++) merged.push(emails[next] as Span);
    if (number.start >= (merged.at(-1)?.end ?? 0)) merged.push(number);
  }
  return merged.concat(emails.slice(next));
}

function replace(text: string, spans: readonly Span[], placeholders: Pick<Placeholders, 'of'>): string {
  let masked = '';
  let from = 0;
  for (const span of spans) {
    masked += text.slice(from, span.start) + placeholders.of(span);
    from = span.end;
  }
  return masked + text.slice(from);
}
