import { TollgateError } from '@tollgate/errors';
import { type Mark, markAt, tagAt } from './marks.ts';
import type { Scanner } from './scanner.ts';

export interface TextSpan {
  /** The literal with its quotes, [start, end) in bytes. */
  start: number;
  end: number;
  /** Index of the message or input item that it stands in; -1 for a text that stands alone (`input`, `instructions`). */
  item: number;
}

/** What is found in a body, in its order. */
export interface Collected {
  texts: TextSpan[];
  /** One for each encrypted content. */
  marks: Mark[];
  /** Behind ids of items. */
  tags: Mark[];
}

/**
 * Keys whose values are structure, ids or binary data. Everything else counts as text, so a content type that does not
 * exist yet is masked rather than missed.
 */
export const structural: ReadonlySet<string> = new Set([
  'role',
  'type',
  'id',
  'call_id',
  'tool_call_id',
  'approval_request_id',
  'item_id',
  'response_id',
  'file_id',
  'status',
  'name',
  'detail',
  'image_url',
  'input_audio',
  'url',
  'file_url',
  'file_data',
  'encrypted_content',
  'signature',
  'cache_control',
]);

/** Keys whose values may be an item's id; some servers give a call its item's. */
export const ofItems: ReadonlySet<string> = new Set(['id', 'call_id', 'approval_request_id']);

/** Each costs memory while the request runs. */
const textsMax = 50_000;

/** No real conversation nests deeper; a hostile one must not exhaust the stack. */
const depthMax = 64;

/** Steps over a value and collects the descriptions in it: the rest is schema. */
export function descriptions(scanner: Scanner, found: Collected, depth: number): void {
  if (scanner.atArray) {
    guardDepth(depth);
    scanner.array(() => descriptions(scanner, found, depth + 1));
  } else if (scanner.atObject) {
    guardDepth(depth);
    scanner.object((key) => {
      if (key === 'description' && scanner.atString) take(scanner, -2, found);
      else descriptions(scanner, found, depth + 1);
    });
  } else scanner.skip();
}

/** Steps over the string at the position, which is a text. */
export function take(scanner: Scanner, item: number, { texts }: Collected): void {
  guardNumber(texts);
  const start = scanner.position;
  scanner.skipString();
  texts.push({ start, end: scanner.position, item });
}

/** The same of an encrypted content. */
export function takeMark(scanner: Scanner, { marks }: Collected): void {
  guardNumber(marks);
  const start = scanner.position;
  scanner.skipString();
  marks.push(markAt(scanner.bytes, start, scanner.position));
}

/** Steps over the string at the position, which may be the id of an item. */
export function takeTag(scanner: Scanner, { tags }: Collected): void {
  const start = scanner.position;
  scanner.skipString();
  const tag = tagAt(scanner.bytes, start, scanner.position);
  if (!tag) return;
  guardNumber(tags);
  tags.push(tag);
}

function guardNumber(found: readonly unknown[]): void {
  if (found.length < textsMax) return;
  throw new TollgateError('invalid_request', { message: `The body has more than ${textsMax} texts.` });
}

/** @throws TollgateError `invalid_request` */
export function guardDepth(depth: number): void {
  if (depth < depthMax) return;
  throw new TollgateError('invalid_request', { message: `The body is nested deeper than ${depthMax} levels.` });
}
