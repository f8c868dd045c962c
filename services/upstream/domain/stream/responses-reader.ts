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
    if (type.endsWith('.delta')) return this.#delta(event.delta);
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

  /** Events with the response in them name it; those with an item may hold an encrypted content. */
  #renamed(step: Step, { response }: JsonRecord, data: string, type: string): Step {
    if (step.kind !== 'pass' && step.kind !== 'last') return step;
    if (isRecord(response)) this.#options.names.learn(response.id);
    else if (!hasEncryptedContent(data)) return step;
    const block = step.rewritten ?? Buffer.from(`event: ${type}\ndata: ${data.replaceAll('\n', ' ')}\n\n`);
    const rewritten = this.#options.names.rename(block);
    return rewritten === block ? step : { ...step, rewritten };
  }

  #delta(delta: unknown): Step {
    if (typeof delta === 'string') this.textBytes += Buffer.byteLength(delta);
    return passContent;
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

/** OpenAI's flat error event: code, message and param stand beside type and sequence_number. */
function withoutEnvelope({ type: _type, sequence_number: _number, ...error }: JsonRecord): JsonRecord {
  return error;
}
