import type { ResponseName } from '@tollgate/contracts';

export interface ResponseNamesOptions {
  /** A name for the caller of what the provider calls so. @param borrowed it may only be gone on from */
  seal(providerId: string, borrowed: boolean): string;
  /** What stands before encrypted contents on their way to the caller. */
  contentMark(): string;
  /** What stands behind the id of an item that the provider keeps. */
  itemTag(providerId: string): string;
  /** The response that is read or gone on from. */
  known: ResponseName | undefined;
}

interface Edit {
  start: number;
  end: number;
  bytes: Buffer;
}

/** No provider's id is longer; what is no such id stays as it came, and cannot be asked for later. */
const idPattern = /^[\x21\x23-\x5b\x5d-\x7e]{1,256}$/;
const contentKey = Buffer.from('"encrypted_content"');
const quote = 0x22;
const colon = 0x3a;

/**
 * What the provider calls its responses and what their caller calls them, for one attempt: answers leave with the caller's names.
 * A quote inside of a JSON string is always escaped, so an id with bare quotes around it is a whole string, wherever it stands:
 * nothing has to be parsed for it.
 */
export class ResponseNames {
  readonly #options: ResponseNamesOptions;
  readonly #names = new Map<string, string>();

  constructor(options: ResponseNamesOptions) {
    this.#options = options;
    if (options.known) this.#names.set(options.known.providerId, options.known.callersId);
  }

  /** A response that the provider names. @param borrowed another request's, which this caller may only go on from */
  learn(providerId: unknown, borrowed = false): void {
    if (typeof providerId !== 'string' || this.#names.has(providerId) || !idPattern.test(providerId)) return;
    this.#names.set(providerId, this.#options.seal(providerId, borrowed));
  }

  /**
   * An item that the provider keeps, which it may be asked for by its id.
   * @returns its id with its tag; undefined for what is no id
   */
  learnItem(providerId: unknown): string | undefined {
    if (typeof providerId !== 'string') return undefined;
    let name = this.#names.get(providerId);
    if (name === undefined && idPattern.test(providerId)) {
      name = providerId + this.#options.itemTag(providerId);
      this.#names.set(providerId, name);
    }
    return name;
  }

  /** JSON, or an event with JSON in it, as the caller may have it; the same buffer when nothing of it changes. */
  rename(text: Buffer): Buffer {
    const edits: Edit[] = [];
    for (const [from, to] of this.#names) {
      const literal = Buffer.from(`"${from}"`);
      for (let at = text.indexOf(literal); at >= 0; at = text.indexOf(literal, at + literal.length)) {
        edits.push({ start: at + 1, end: at + literal.length - 1, bytes: Buffer.from(to) });
      }
    }
    for (let at = text.indexOf(contentKey); at >= 0; at = text.indexOf(contentKey, at + contentKey.length)) {
      const start = contentStart(text, at + contentKey.length);
      if (start >= 0) edits.push({ start, end: start, bytes: Buffer.from(this.#options.contentMark()) });
    }
    return spliced(text, edits);
  }

  /** An error of the provider's: there ids stand in the middle of its text. */
  renameIn(error: Uint8Array): Uint8Array {
    if (this.#names.size === 0) return error;
    let text = Buffer.from(error.buffer, error.byteOffset, error.byteLength).toString('utf8');
    for (const [from, to] of this.#names) text = text.replaceAll(from, to);
    return Buffer.from(text);
  }
}

/** Whether an event may hold what `rename` looks for, beside its response. */
export function hasEncryptedContent(data: string): boolean {
  return data.includes('"encrypted_content"');
}

/** The first byte of a content, behind the quote; -1 where there is none, or an empty one. */
function contentStart(text: Buffer, afterKey: number): number {
  let at = afterSpace(text, afterKey);
  if (text[at] !== colon) return -1;
  at = afterSpace(text, at + 1);
  return text[at] === quote && text[at + 1] !== quote ? at + 1 : -1;
}

function afterSpace(text: Buffer, from: number): number {
  let at = from;
  while (at < text.length && (text[at] as number) <= 0x20) at++;
  return at;
}

function spliced(text: Buffer, edits: Edit[]): Buffer {
  if (edits.length === 0) return text;
  const parts: Buffer[] = [];
  let copied = 0;
  for (const { start, end, bytes } of edits.sort((a, b) => a.start - b.start)) {
    parts.push(text.subarray(copied, start), bytes);
    copied = end;
  }
  parts.push(text.subarray(copied));
  return Buffer.concat(parts);
}
