import { Refusal } from './call.ts';
import type { Core } from './core.ts';
import { invalidParameter, itemNotFound } from './errors.ts';
import { isRecord, type JsonRecord, stringOf } from './json.ts';

const ID_CHARS_MAX = 64;

/**
 * A Responses call with the items in place to which its input refers by their ids: references, whose type may be left out, and
 * reasoning without its encrypted content. @throws Refusal for an id that is too long, or of no item of a stored response
 */
export function withItems({ responses }: Core, body: JsonRecord): JsonRecord {
  if (!Array.isArray(body.input)) return body;
  const input = body.input.map((item: unknown, index) => {
    const id = isRecord(item) ? stringOf(item.id) : undefined;
    if (!isRecord(item) || id === undefined) return item;
    if (id.length > ID_CHARS_MAX) throw new Refusal(tooLong(`input[${index}].id`, id.length));
    if (!isReference(item)) return item;
    const found = responses.item(id);
    if (!found) throw new Refusal(itemNotFound(id));
    return found;
  });
  return { ...body, input };
}

function isReference({ type, role, content, encrypted_content: encrypted }: JsonRecord): boolean {
  if (type === 'reasoning') return encrypted === undefined || encrypted === null;
  return type === 'item_reference' || (type === undefined && role === undefined && content === undefined);
}

function tooLong(name: string, chars: number) {
  const message = `Invalid '${name}': string too long. Expected a string with maximum length ${ID_CHARS_MAX}, but got a string with length ${chars} instead.`;
  return invalidParameter(message, name, 'string_above_max_length');
}
