import { type JsonRecord, parseRecord } from '../../../domain/json.ts';
import { listAt, recordAt, textAt } from './read.ts';
import { malformed, unserved } from './refuse.ts';

/** Media types that Anthropic takes as images (API reference, Base64ImageSource). */
const imageTypes = new Set(['image/jpeg', 'image/png', 'image/gif', 'image/webp']);
const pdf = 'application/pdf';

/** A text as a block; none for an empty one, which Anthropic refuses. */
export function textBlocks(text: string, part: JsonRecord = {}): JsonRecord[] {
  return text === '' ? [] : [{ type: 'text', text, ...cacheControl(part) }];
}

/** @param url what OpenAI's wire has: a `data:` URL, or one that the provider fetches */
function imageBlock(url: unknown, path: string, part: JsonRecord = {}): JsonRecord {
  const source = sourceOf(textAt(url, path), path, (type) => imageTypes.has(type));
  return { type: 'image', source, ...cacheControl(part) };
}

/** @param file `file_data` as a `data:` URL with a PDF, or `file_url` */
function documentBlock(file: JsonRecord, path: string): JsonRecord {
  if (file.file_id != null) throw unserved(`${path}.file_id`);
  const member = file.file_data == null ? 'file_url' : 'file_data';
  const source = sourceOf(textAt(file[member], `${path}.${member}`), `${path}.${member}`, (type) => type === pdf);
  const title = typeof file.filename === 'string' && file.filename !== '' ? { title: file.filename } : {};
  return { type: 'document', source, ...title };
}

/** A breakpoint of Anthropic's prompt cache, which callers that know of it put on parts and tools. */
export function cacheControl(part: JsonRecord): JsonRecord {
  return part.cache_control == null ? {} : { cache_control: part.cache_control };
}

/** Parts of a tool's result or of a user's message, by their `type` in either surface. */
function partBlocks(value: unknown, path: string): JsonRecord[] {
  const part = recordAt(value, path);
  switch (part.type) {
    case 'text':
    case 'input_text':
    case 'output_text':
      return textBlocks(textAt(part.text, `${path}.text`), part);
    case 'refusal':
      return textBlocks(textAt(part.refusal, `${path}.refusal`));
    case 'image_url':
      return [imageBlock(recordAt(part.image_url, `${path}.image_url`).url, `${path}.image_url.url`, part)];
    case 'input_image':
      if (part.file_id != null) throw unserved(`${path}.file_id`);
      return [imageBlock(part.image_url, `${path}.image_url`, part)];
    case 'file':
      return [documentBlock(recordAt(part.file, `${path}.file`), `${path}.file`)];
    case 'input_file':
      return [documentBlock(part, path)];
    default:
      throw unserved(`${path}.type`);
  }
}

/** A content: a text, or a list of parts. */
export function contentBlocks(content: unknown, path: string): JsonRecord[] {
  if (typeof content === 'string') return textBlocks(content);
  return listAt(content, path).flatMap((part, at) => partBlocks(part, `${path}[${at}]`));
}

/** What a model wrote as the arguments of a call; Anthropic wants it as an object. */
export function argumentsOf(value: unknown, path: string): JsonRecord {
  const text = textAt(value ?? '', path);
  if (text.trim() === '') return {};
  const input = parseRecord(text);
  if (!input) throw malformed(path, 'a JSON object, as a text');
  return input;
}

function sourceOf(url: string, path: string, isType: (mediaType: string) => boolean): JsonRecord {
  if (/^https?:\/\//i.test(url)) return { type: 'url', url };
  const comma = url.indexOf(',');
  const head = /^data:([a-z0-9.+/-]+)(?:;[^,;]+)*;base64$/i.exec(comma < 0 ? '' : url.slice(0, comma));
  if (!head) throw malformed(path, 'an https: URL, or a data: URL in base64');
  const mediaType = (head[1] ?? '').toLowerCase();
  if (!isType(mediaType)) throw unserved(path, 'is of a media type that Anthropic does not take');
  return { type: 'base64', media_type: mediaType, data: url.slice(comma + 1) };
}
