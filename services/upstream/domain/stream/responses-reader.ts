import { Surface } from '@tollgate/contracts';
import { isRecord, type JsonRecord, parseRecord } from '../json.ts';
import { hasEncryptedContent, type ResponseNames } from '../response-names.ts';
import { ToolCallCounter } from '../tool-calls.ts';
import { type Beside, type MeasuredUsage, readAnswerUsage, readServiceTier } from '../usage.ts';
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

export interface ResponsesReaderOptions {
  price: PriceUsage;
  /** The answer may be kept in a cache. */
  cacheable: boolean;
  names: ResponseNames;
}

/** A last event above this size goes out as it came: its usage is not worth a second serialisation. */
const rewrittenCharactersMax = 256 * 1024;

/** Follows the typed events of a Responses stream. */
export class ResponsesReader implements StreamReader {
  usage: MeasuredUsage | undefined;
  textBytes = 0;
  readonly #options: ResponsesReaderOptions;
  readonly #toolCalls = new ToolCallCounter();
  #serviceTier = '';
  /** `response.failed` came before any content; Azure may say why in the event after it. */
  #failed: Step | undefined;
  #response: JsonRecord | undefined;
  /** The provider keeps what it answers, and its items can be asked for by their ids. */
  #stored = true;
  /** What its deltas are of, and how each goes out. */
  #tagged: { id: string; step: Step } | undefined;

  constructor(options: ResponsesReaderOptions) {
    this.#options = options;
  }

  get beside(): Beside {
    return { serviceTier: this.#serviceTier, toolCalls: this.#toolCalls.counts };
  }

  read({ name, data }: SseEvent, contentSent: boolean): Step {
    if (data === undefined) return foreignEvents.has(name) ? dropped : passQuiet;
    if (data === '[DONE]') return dropped;
    const event = parseRecord(data);
    if (!event) return { kind: 'garbage', reason: 'an event of the stream is no JSON object' };
    const type = typeof event.type === 'string' ? event.type : name;
    if (type.endsWith('.delta')) return this.#delta(event);
    if (foreignEvents.has(type)) return dropped;
    return this.#renamed(this.#follow(event, data, type, contentSent), event, data, type);
  }

  #follow(event: JsonRecord, data: string, type: string, contentSent: boolean): Step {
    switch (type) {
      case 'error':
        return errorStep(isRecord(event.error) ? event.error : withoutEnvelope(event));
      case 'response.failed':
        return this.#fail(event, contentSent);
      case 'response.completed':
      case 'response.incomplete':
        return this.#last(event, data, type);
      case 'response.created':
        this.#serviceTier = readServiceTier(isRecord(event.response) ? event.response.service_tier : undefined);
        return passQuiet;
      case 'response.output_item.done':
        this.#toolCalls.add(event.item);
        return passQuiet;
      case 'response.image_generation_call.partial_image':
        return passContent;
      default:
        return passQuiet;
    }
  }

  ended(): Step | undefined {
    return this.#failed;
  }

  canonical(): Uint8Array | undefined {
    return this.#response && Buffer.from(JSON.stringify(this.#response));
  }

  /** Events with the response in them name it; others name an item that is kept, or hold an encrypted content. */
  #renamed(step: Step, event: JsonRecord, data: string, type: string): Step {
    if (step.kind !== 'pass' && step.kind !== 'last') return step;
    if (isRecord(event.response)) this.#learn(event.response);
    else if (this.#itemName(event) === undefined && !hasEncryptedContent(data)) return step;
    const block = step.rewritten ?? Buffer.from(`event: ${type}\ndata: ${data.replaceAll('\n', ' ')}\n\n`);
    const rewritten = this.#options.names.rename(block);
    return rewritten === block ? step : { ...step, rewritten };
  }

  #learn({ id, store, output }: JsonRecord): void {
    this.#options.names.learn(id);
    this.#stored = store !== false;
    if (!this.#stored || !Array.isArray(output)) return;
    for (const item of output) if (isRecord(item)) this.#options.names.learnItem(item.id);
  }

  /** What the caller calls the item that an event is about; undefined where there is none, or it is not kept. */
  #itemName({ item, item_id: id }: JsonRecord): string | undefined {
    if (!this.#stored) return undefined;
    return this.#options.names.learnItem(isRecord(item) ? item.id : id);
  }

  /** By far the most events: they go out as they came, with the tag behind the item's id. */
  #delta(event: JsonRecord): Step {
    const { delta, item_id: id } = event;
    if (typeof delta === 'string') this.textBytes += Buffer.byteLength(delta);
    const name = this.#itemName(event);
    if (name === undefined) return passContent;
    const former = this.#tagged;
    if (former && former.id === id) return former.step;
    const step = taggedContent(String(id), name);
    this.#tagged = { id: String(id), step };
    return step;
  }

  #fail(event: JsonRecord, contentSent: boolean): Step {
    const response = isRecord(event.response) ? event.response : {};
    this.usage = readAnswerUsage(Surface.RESPONSES, response);
    if (contentSent) return { kind: 'last', failed: true };
    this.#failed = errorStep(response.error ?? {});
    return dropped;
  }

  #last(event: JsonRecord, data: string, type: string): Step {
    const response = isRecord(event.response) ? event.response : undefined;
    if (!response) return { kind: 'garbage', reason: `${type} without its response` };
    this.usage = readAnswerUsage(Surface.RESPONSES, response);
    if (this.#options.cacheable && type === 'response.completed') this.#response = response;
    if (!this.usage || data.length > rewrittenCharactersMax) return { kind: 'last', failed: false };
    const usage = { ...(response.usage as JsonRecord), 'x-tollgate-cost-usd': Number(this.#options.price(this.usage)) };
    const rewritten = JSON.stringify({ ...event, response: { ...response, usage } });
    return { kind: 'last', failed: false, rewritten: Buffer.from(`event: ${type}\ndata: ${rewritten}\n\n`) };
  }
}

/** A quote in a delta's text is escaped, so the literal is no part of one. */
function taggedContent(id: string, name: string): Step {
  const inserted = { literal: Buffer.from(`"${id}"`), bytes: Buffer.from(name.slice(id.length)) };
  return { kind: 'pass', content: true, inserted };
}

/** OpenAI's flat error event: code, message and param stand beside type and sequence_number. */
function withoutEnvelope({ type: _type, sequence_number: _number, ...error }: JsonRecord): JsonRecord {
  return error;
}
