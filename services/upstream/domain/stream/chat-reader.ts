import { isRecord, isText, type JsonRecord, parseRecord } from '../json.ts';
import { chatToolCalls, oneSearch } from '../tool-calls.ts';
import { type Beside, type MeasuredUsage, nothingBeside, readServiceTier, readUsage } from '../usage.ts';
import { errorStep } from './error-step.ts';
import {
  dropped,
  foreignEvents,
  type PriceUsage,
  passContent,
  passQuiet,
  type Step,
  type StreamReader,
} from './reader.ts';
import type { SseEvent } from './sse.ts';

export interface ChatReaderOptions {
  /** The caller asked for the usage chunk; it is always asked for upstream. */
  includeUsage: boolean;
  price: PriceUsage;
  /** Collects the chunks into a completion, for a cache. */
  assembler?: ChatCollector;
}

/** Chunks in, the chat.completion that JSON would have given out. */
interface ChatCollector {
  add(chunk: JsonRecord): void;
  /** Undefined when the chunks are no whole completion. */
  finish(): JsonRecord | undefined;
}

/** Follows a stream of chat.completion chunks and mends what Azure sends differently from OpenAI. */
export class ChatReader implements StreamReader {
  usage: MeasuredUsage | undefined;
  beside: Beside = nothingBeside;
  textBytes = 0;
  readonly #options: ChatReaderOptions;
  readonly #open = new Set<number>();
  readonly #finished = new Set<number>();
  /** Azure's verdict on the prompt comes in a chunk without choices, which clients stumble over. */
  #promptResults: unknown;

  constructor(options: ChatReaderOptions) {
    this.#options = options;
  }

  read({ name, data }: SseEvent): Step {
    if (foreignEvents.has(name)) return dropped;
    if (data === undefined) return passQuiet;
    if (data === '[DONE]') return this.#done();
    const chunk = parseRecord(data);
    if (!chunk) return { kind: 'garbage', reason: 'an event of the stream is no JSON object' };
    if (chunk.error != null) return errorStep(chunk.error);
    if (!Array.isArray(chunk.choices)) return { kind: 'garbage', reason: 'a chunk of the stream has no choices' };
    this.#options.assembler?.add(chunk);
    this.#lookBeside(chunk, chunk.choices);
    if (chunk.usage != null) this.usage = readUsage(chunk.usage, this.beside) ?? this.usage;
    return chunk.choices.length === 0 ? this.#withoutChoices(chunk) : this.#withChoices(chunk, chunk.choices);
  }

  ended(): undefined {
    return undefined;
  }

  canonical(): Uint8Array | undefined {
    const completion = this.#options.assembler?.finish();
    return completion && Buffer.from(JSON.stringify(completion));
  }

  /** A provider that says [DONE] before it has finished each choice has broken off. */
  #done(): Step {
    const whole = this.#finished.size > 0 && this.#open.size === 0;
    return whole
      ? { kind: 'last', failed: false }
      : { kind: 'garbage', reason: '[DONE] before every choice was finished' };
  }

  #lookBeside(chunk: JsonRecord, choices: unknown[]): void {
    const serviceTier = readServiceTier(chunk.service_tier) || this.beside.serviceTier;
    const toolCalls = chatToolCalls(choices) === oneSearch ? oneSearch : this.beside.toolCalls;
    if (serviceTier !== this.beside.serviceTier || toolCalls !== this.beside.toolCalls) {
      this.beside = { serviceTier, toolCalls };
    }
  }

  #withoutChoices(chunk: JsonRecord): Step {
    if (chunk.prompt_filter_results !== undefined) this.#promptResults = chunk.prompt_filter_results;
    if (!isRecord(chunk.usage) || !this.#options.includeUsage) return dropped;
    if (!this.usage) return passQuiet;
    const usage = { ...chunk.usage, 'x-tollgate-cost-usd': Number(this.#options.price(this.usage)) };
    return { kind: 'pass', content: false, rewritten: encode({ ...chunk, usage }) };
  }

  #withChoices(chunk: JsonRecord, choices: unknown[]): Step {
    let content = false;
    let mended = false;
    for (const choice of choices) {
      if (!isRecord(choice)) return { kind: 'garbage', reason: 'a choice of the stream is no object' };
      const index = typeof choice.index === 'number' ? choice.index : 0;
      if (choice.finish_reason != null) {
        this.#finished.add(index);
        this.#open.delete(index);
      } else if (!this.#finished.has(index)) this.#open.add(index);
      if (isRecord(choice.delta)) content = this.#take(choice.delta) || content;
      else {
        choice.delta = {};
        mended = true;
      }
    }
    if (this.#promptResults !== undefined) {
      chunk.prompt_filter_results = this.#promptResults;
      this.#promptResults = undefined;
      mended = true;
    }
    if (mended) return { kind: 'pass', content, rewritten: encode(chunk) };
    return content ? passContent : passQuiet;
  }

  /** @returns whether the delta has content */
  #take(delta: JsonRecord): boolean {
    let content = false;
    for (const text of [delta.content, delta.refusal, delta.reasoning_content, delta.reasoning]) {
      if (!isText(text)) continue;
      this.textBytes += Buffer.byteLength(text);
      content = true;
    }
    const calls = Array.isArray(delta.tool_calls)
      ? delta.tool_calls
      : isRecord(delta.function_call)
        ? [{ function: delta.function_call }]
        : [];
    for (const call of calls) {
      const called = isRecord(call) ? (call.function ?? call.custom) : undefined;
      const text = isRecord(called) ? (called.arguments ?? called.input) : undefined;
      if (isText(text)) this.textBytes += Buffer.byteLength(text);
      content = true;
    }
    return content || isRecord(delta.audio);
  }
}

function encode(chunk: JsonRecord): Buffer {
  return Buffer.from(`data: ${JSON.stringify(chunk)}\n\n`);
}
