import { Surface } from '@tollgate/contracts';
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

/** Members whose strings the model reads, all of them but those under `structural` keys. */
const conversation: Partial<Record<Surface, ReadonlySet<string>>> = {
  [Surface.CHAT_COMPLETIONS]: new Set(['messages', 'prediction']),
  [Surface.RESPONSES]: new Set(['input', 'instructions', 'prompt']),
  [Surface.EMBEDDINGS]: new Set(['input']),
};

/** Members in which only descriptions are text; the rest is schema. */
const schemas = new Set(['tools', 'functions', 'response_format', 'text']);

/** Who the end user is: not read by the model, but it leaves the house with the request. */
const labels = new Set(['user', 'safety_identifier', 'metadata']);

/**
 * Keys whose values are structure, ids or binary data. Everything else counts as text, so a content type that does not
 * exist yet is masked rather than missed.
 */
const structural = new Set([
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
const ofItems = new Set(['id', 'call_id', 'approval_request_id']);

/** Each costs memory while the request runs. */
const textsMax = 50_000;

/** No real conversation nests deeper; a hostile one must not exhaust the stack. */
const depthMax = 64;

/** What is found in a body, in its order. */
export interface Collected {
  texts: TextSpan[];
  /** One for each encrypted content. */
  marks: Mark[];
  /** Behind ids of items. */
  tags: Mark[];
}

/** Steps over the value of the top-level member `key` and collects what is to be found in it. */
export function collect(scanner: Scanner, surface: Surface, key: string, found: Collected): void {
  if (conversation[surface]?.has(key)) {
    // A text alone, like `input`, is item -1; `instructions` and `prompt` are no turns and get -2.
    const alone = key === 'input' ? -1 : -2;
    if (scanner.atArray && (key === 'messages' || key === 'input'))
      scanner.array((item) => all(scanner, item, found, 0));
    else all(scanner, alone, found, 0);
  } else if (labels.has(key)) all(scanner, -2, found, 0);
  else if (schemas.has(key)) descriptions(scanner, found, 0);
  else scanner.skip();
}

function all(scanner: Scanner, item: number, found: Collected, depth: number): void {
  if (scanner.atString) take(scanner, item, found);
  else if (scanner.atArray) {
    guardDepth(depth);
    scanner.array(() => all(scanner, item, found, depth + 1));
  } else if (scanner.atObject) {
    guardDepth(depth);
    scanner.object((key) => {
      if (!structural.has(key)) all(scanner, item, found, depth + 1);
      else if (key === 'encrypted_content' && scanner.atString) takeMark(scanner, found);
      else if (ofItems.has(key) && scanner.atString) takeTag(scanner, found);
      else scanner.skip();
    });
  } else scanner.skip();
}

function descriptions(scanner: Scanner, found: Collected, depth: number): void {
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

function take(scanner: Scanner, item: number, { texts }: Collected): void {
  guardNumber(texts);
  const start = scanner.position;
  scanner.skipString();
  texts.push({ start, end: scanner.position, item });
}

function takeMark(scanner: Scanner, { marks }: Collected): void {
  guardNumber(marks);
  const start = scanner.position;
  scanner.skipString();
  marks.push(markAt(scanner.bytes, start, scanner.position));
}

function takeTag(scanner: Scanner, { tags }: Collected): void {
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

function guardDepth(depth: number): void {
  if (depth < depthMax) return;
  throw new TollgateError('invalid_request', { message: `The body is nested deeper than ${depthMax} levels.` });
}
