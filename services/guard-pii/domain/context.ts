/** How far from a number its context is looked for: the words of one short clause. UTF-16 units. */
const reachBefore = 48;
const reachAfter = 32;

const phoneWords =
  /(?:phone|mobile|mobil|telefon|téléphone|whatsapp|hotline|voicemail|handy|móvil|movil|(?<![a-z])(?:tel|cell|cellular|fax|call|calls|called|dial|sms|text|texted|ring|reach|contact|mob|my number)(?![a-z]))/i;

const ssnWords = /(?:(?<![a-z])ssns?(?![a-z])|social[\s_-]?security|(?<![a-z])soc\.?\s?sec(?![a-z]))/i;

/** Directly before a number: it counts or names something else. */
const otherNumber =
  /(?:^|[^a-z])(?:order|invoice|ticket|case|sku|isbn|ean|upc|asin|tracking|ref|reference|account|acct|part|serial|version|build|commit|revision|issue|bug|policy|transaction|po|id|timestamp|epoch|card)(?:[\s_]*(?:numbers?|num|no|nr|ids?|code))?\W{0,4}$/i;

export function saysPhone(text: string, start: number, end: number): boolean {
  return phoneWords.test(before(text, start)) || phoneWords.test(after(text, end));
}

export function saysSsn(text: string, start: number, end: number): boolean {
  return ssnWords.test(before(text, start)) || ssnWords.test(after(text, end));
}

/** "order no. 415-555-2671" */
export function saysOther(text: string, start: number): boolean {
  return otherNumber.test(before(text, start));
}

function before(text: string, start: number): string {
  return text.slice(Math.max(0, start - reachBefore), start);
}

function after(text: string, end: number): string {
  return text.slice(end, end + reachAfter);
}
