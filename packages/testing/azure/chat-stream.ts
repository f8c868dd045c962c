import { type ChatMeta, logprobsOf, SYSTEM_FINGERPRINT, tierOf } from './chat.ts';
import { answerResults, promptFilterResults } from './filters.ts';
import type { Choice } from './generate.ts';
import { dataEvent, type EventSink } from './sse.ts';
import type { Piece } from './tokens.ts';
import { chatUsage, type IssuedUsage } from './usage.ts';

/** How much text the asynchronous filter annotates at a time. */
const ANNOTATED_CHARS = 200;

export interface ChatStreamFacts {
  meta: ChatMeta;
  choices: readonly Choice[];
  usage: IssuedUsage;
  /** `stream_options.include_usage`. */
  includeUsage: boolean;
  promptChars: number;
}

/** The chunks of a chat completion, in the order and with the empty fields that Azure sends. */
export class ChatStream {
  readonly #facts: ChatStreamFacts;
  readonly #stream: EventSink;
  readonly #usageField: object;
  #answeredChars = 0;
  #annotatedChars = 0;

  constructor(stream: EventSink, facts: ChatStreamFacts) {
    this.#stream = stream;
    this.#facts = facts;
    // With include_usage every chunk but the last carries the field.
    this.#usageField = facts.includeUsage ? { usage: null } : {};
  }

  async send(): Promise<void> {
    const { choices, usage, includeUsage, meta } = this.#facts;
    if (meta.mode !== 'off')
      await this.#stream.event(this.#empty([], { prompt_filter_results: promptFilterResults() }));
    for (const [index, choice] of choices.entries()) {
      const content = choice.toolCalls.length > 0 ? null : '';
      await this.#stream.event(this.#chunk(index, { content, refusal: null, role: 'assistant' }, {}));
    }
    await this.#texts();
    const { annotations = [] } = meta;
    if (annotations.length > 0) await this.#stream.event(this.#chunk(0, { annotations }, {}));
    for (const [index, choice] of choices.entries()) await this.#toolCalls(index, choice);
    for (const [index, choice] of choices.entries()) await this.#end(index, choice);
    const last = includeUsage ? dataEvent({ ...this.#base(), choices: [], usage: chatUsage(usage) }) : '';
    await this.#stream.finish(`${last}data: [DONE]\n\n`, usage, includeUsage);
  }

  /** The choices take turns, as they do when they are generated side by side. */
  async #texts(): Promise<void> {
    const { choices } = this.#facts;
    const longest = Math.max(0, ...choices.map((choice) => choice.pieces.length));
    for (let at = 0; at < longest; at += 1) {
      for (const [index, choice] of choices.entries()) {
        const piece = choice.pieces[at];
        if (!piece) continue;
        const chunk = this.#chunk(index, { content: piece.text }, answerResults(), null, [piece]);
        await this.#stream.content(chunk, piece.tokens);
        if (index === 0) this.#answeredChars += piece.text.length;
      }
      if (this.#answeredChars - this.#annotatedChars >= ANNOTATED_CHARS) await this.#annotate(0);
    }
  }

  async #toolCalls(choiceIndex: number, choice: Choice): Promise<void> {
    for (const [index, call] of choice.toolCalls.entries()) {
      const opened = { index, id: call.id, type: 'function', function: { name: call.name, arguments: '' } };
      await this.#stream.content(this.#chunk(choiceIndex, { tool_calls: [opened] }, {}), 0);
      for (const piece of call.pieces) {
        const delta = { tool_calls: [{ index, function: { arguments: piece.text } }] };
        await this.#stream.content(this.#chunk(choiceIndex, delta, {}), piece.tokens);
      }
    }
  }

  async #end(index: number, choice: Choice): Promise<void> {
    const { mode } = this.#facts.meta;
    const filtered = choice.finishReason === 'content_filter';
    if (mode === 'asynchronous' && filtered) {
      // The late verdict is itself a choice without a delta, and nothing says `stop`.
      return this.#annotate(index, 'content_filter');
    }
    const results = filtered ? answerResults(true) : {};
    await this.#stream.event(this.#chunk(index, {}, results, choice.finishReason));
    if (mode === 'asynchronous') await this.#annotate(index);
  }

  /** The asynchronous filter's verdict on text that went out before: no delta, and offsets instead of text. */
  async #annotate(index: number, finishReason: string | null = null): Promise<void> {
    const { meta, promptChars } = this.#facts;
    if (meta.mode !== 'asynchronous') return;
    const offsets = {
      check_offset: promptChars + this.#annotatedChars,
      start_offset: promptChars + this.#annotatedChars,
      end_offset: promptChars + this.#answeredChars,
    };
    this.#annotatedChars = this.#answeredChars;
    const choice = {
      content_filter_offsets: offsets,
      content_filter_results: answerResults(finishReason !== null),
      finish_reason: finishReason,
      index,
    };
    await this.#stream.event(this.#empty([choice], {}));
  }

  #base(): object {
    const { id, created, model } = this.#facts.meta;
    const tier = tierOf(this.#facts.meta);
    return { created, id, model, object: 'chat.completion.chunk', ...tier, system_fingerprint: SYSTEM_FINGERPRINT };
  }

  /** Chunks of the filter name nothing: no id, no model, no time. */
  #empty(choices: readonly object[], extra: object): string {
    return dataEvent({ choices, created: 0, id: '', model: '', object: '', ...extra, ...this.#usageField });
  }

  #chunk(
    index: number,
    delta: object,
    results: object,
    finishReason: string | null = null,
    pieces?: readonly Piece[],
  ): string {
    const { mode } = this.#facts.meta;
    const choice = {
      ...(mode === 'default' ? { content_filter_results: results } : {}),
      delta,
      finish_reason: finishReason,
      index,
      logprobs: pieces ? logprobsOf(pieces, this.#facts.meta) : null,
    };
    return dataEvent({ choices: [choice], ...this.#base(), ...this.#usageField });
  }
}
