import type { BodyIndex, Span } from './index-body.ts';
import { type Edit, splice } from './splice.ts';

/** Begins an escape in a JSON string. */
const backslash = 0x5c;
const nothing = Buffer.alloc(0);

/** A request body as bytes beside its index. Masking and edits make a new one; untouched bytes stay as they came. */
export class Body {
  readonly bytes: Buffer;
  readonly index: BodyIndex;

  constructor(bytes: Buffer, index: BodyIndex) {
    this.bytes = bytes;
    this.index = index;
  }

  /** The texts that the model reads, decoded. */
  texts(): string[] {
    return this.index.texts.map((span) => this.#decode(span));
  }

  /** The same as UTF-8; what has no escapes in the body is not copied. */
  textBytes(): Uint8Array[] {
    return this.index.texts.map((span) => {
      const inner = this.bytes.subarray(span.start + 1, span.end - 1);
      return inner.includes(backslash) ? Buffer.from(this.#decode(span)) : inner;
    });
  }

  /** The last user text, or empty when it is not one plain text. */
  lastUserText(): string {
    const span = this.index.texts[this.index.lastUserText];
    return span ? this.#decode(span) : '';
  }

  /** Its size as it stands in the body, so that a large one need not be decoded; 0 when there is none. */
  lastUserTextBytes(): number {
    const span = this.index.texts[this.index.lastUserText];
    return span ? span.end - span.start : 0;
  }

  /** The same body with some texts replaced; `index` points into texts(). */
  withTexts(replaced: readonly { index: number; text: string }[]): Body {
    const edits: Edit[] = [];
    for (const { index, text } of replaced.toSorted((a, b) => a.index - b.index)) {
      const span = this.index.texts[index];
      if (!span) throw new RangeError(`there is no text ${index}`);
      edits.push({ start: span.start, end: span.end, bytes: Buffer.from(JSON.stringify(text)) });
    }
    return this.#edited(edits);
  }

  /** Asks the provider for usage in a chat stream, whatever the caller asked for: the ledger needs it. */
  withUsageInStream(): Body {
    if (this.index.includeUsage) return this;
    const options = this.index.members.find(({ key }) => key === 'stream_options');
    if (!options) return this.withMember('stream_options', '{"include_usage":true}');
    const before = JSON.parse(this.bytes.toString('utf8', options.start, options.end)) as object | null;
    const bytes = Buffer.from(JSON.stringify({ ...before, include_usage: true }));
    return this.#edited([{ start: options.start, end: options.end, bytes }]);
  }

  /** What stands before the encrypted contents, each once. */
  contentMarks(): string[] {
    const marks = this.index.marks.map(({ start, end }) => this.bytes.toString('latin1', start, end));
    return [...new Set(marks)].filter((mark) => mark !== '');
  }

  /** The same body as the provider knows it: its own name of the response that is gone on from, and of items; contents without marks. */
  asIssued(providerResponseId: string | undefined): Body {
    const { marks, tags } = this.index;
    const edits = [...marks, ...tags].map(({ start, end }) => ({ start, end, bytes: nothing }));
    const previous = this.index.members.find(({ key }) => key === 'previous_response_id');
    if (providerResponseId !== undefined && previous) {
      const { start, end } = previous;
      edits.push({ start, end, bytes: Buffer.from(JSON.stringify(providerResponseId)) });
    }
    const { bytes, index } = this.#edited(edits.sort((a, b) => a.start - b.start));
    return new Body(bytes, { ...index, marks: [], tags: [] });
  }

  /** A value as it stands in the body. */
  literal({ start, end }: Span): string {
    return this.bytes.toString('utf8', start, end);
  }

  /** The same body with these values, in the order of the body, replaced. */
  withLiterals(spans: readonly Span[], literal: string): Body {
    return this.#edited(spans.map(({ start, end }) => ({ start, end, bytes: Buffer.from(literal) })));
  }

  /** The same body with a member that it does not have. */
  withMember(key: string, literal: string): Body {
    return this.#edited([{ ...this.#insertAt(), bytes: Buffer.from(`${JSON.stringify(key)}:${literal},`) }]);
  }

  /** Where the model's literal stands, or an empty span where a member may be inserted. */
  modelSpan(): Span {
    return this.index.members.find(({ key }) => key === 'model') ?? this.#insertAt();
  }

  /** Right after the opening brace. An object that reached this far is never empty, so a comma may follow. */
  #insertAt(): Span {
    const at = this.bytes.indexOf('{') + 1;
    return { start: at, end: at };
  }

  #decode({ start, end }: Span): string {
    const { bytes } = this;
    const inner = bytes.subarray(start + 1, end - 1);
    return inner.includes(backslash)
      ? (JSON.parse(bytes.toString('utf8', start, end)) as string)
      : inner.toString('utf8');
  }

  #edited(edits: Edit[]): Body {
    if (edits.length === 0) return this;
    const { text, moved } = splice(this.bytes, edits);
    const { index } = this;
    // The end of a replaced span moves with what stands behind it: one past the last byte is outside of the edit.
    const move = <T extends Span>(span: T): T => ({ ...span, start: moved(span.start), end: moved(span.end) });
    return new Body(text, {
      ...index,
      members: index.members.map((member) => ({ ...move(member), keyStart: moved(member.keyStart) })),
      texts: index.texts.map(move),
      marks: index.marks.map(move),
      tags: index.tags.map(move),
    });
  }
}
