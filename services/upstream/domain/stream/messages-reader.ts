import type { TokenCounts } from '@tollgate/contracts';
import { isRecord, isText, type JsonRecord, parseRecord } from '../json.ts';
import { readMessageUsage } from '../message-usage.ts';
import { readProviderError, statusOfError } from '../provider-error.ts';
import { type Beside, type MeasuredUsage, nothingBeside } from '../usage.ts';
import { type PriceUsage, passContent, passQuiet, type Step, type StreamReader } from './reader.ts';
import type { SseEvent } from './sse.ts';

/** Of Anthropic's deltas, where generated text stands. Others (signatures, citations) belong to a text that came before. */
const textOfDelta: Readonly<Record<string, string>> = {
  text_delta: 'text',
  thinking_delta: 'thinking',
  input_json_delta: 'partial_json',
};

export interface MessagesReaderOptions {
  price: PriceUsage;
  /** Collects the events into a message, for a cache. */
  assembler?: MessageCollector | undefined;
}

/** Events in, the message that JSON would have given out. */
interface MessageCollector {
  add(event: JsonRecord): void;
  /** Undefined when the events are no whole message. */
  finish(): JsonRecord | undefined;
}

/** Follows a stream of Anthropic's Messages API, which its callers get as it comes. */
export class MessagesReader implements StreamReader {
  /** Known at the end; before it `begun` says what the prompt cost. */
  usage: MeasuredUsage | undefined;
  begun: TokenCounts | undefined;
  textBytes = 0;
  readonly #options: MessagesReaderOptions;
  /** As `message_start` told it; `message_delta` repeats what has changed. */
  #start: JsonRecord = {};
  #stopped = false;

  constructor(options: MessagesReaderOptions) {
    this.#options = options;
  }

  get beside(): Beside {
    return nothingBeside;
  }

  read({ name, data }: SseEvent): Step {
    if (data === undefined) return passQuiet;
    const event = parseRecord(data);
    if (!event) return { kind: 'garbage', reason: 'an event of the stream is no JSON object' };
    this.#options.assembler?.add(event);
    switch (typeof event.type === 'string' ? event.type : name) {
      case 'content_block_delta':
        return this.#delta(event.delta);
      case 'message_start':
        return this.#begin(event.message);
      case 'message_delta':
        return this.#end(event);
      case 'message_stop':
        return this.#stopped
          ? { kind: 'last', failed: false }
          : { kind: 'garbage', reason: 'message_stop before a reason to stop' };
      case 'error':
        return errorStep(event);
      default:
        return passQuiet;
    }
  }

  ended(): undefined {
    return undefined;
  }

  canonical(): Uint8Array | undefined {
    const message = this.#options.assembler?.finish();
    return message && Buffer.from(JSON.stringify(message));
  }

  #begin(message: unknown): Step {
    if (!isRecord(message)) return { kind: 'garbage', reason: 'message_start without its message' };
    if (isRecord(message.usage)) this.#start = message.usage;
    this.begun = readMessageUsage(this.#start)?.tokens;
    return passQuiet;
  }

  #delta(delta: unknown): Step {
    const { type, ...parts } = isRecord(delta) ? delta : {};
    const member = typeof type === 'string' ? textOfDelta[type] : undefined;
    if (member === undefined) return passQuiet;
    const text = parts[member];
    if (isText(text)) this.textBytes += Buffer.byteLength(text);
    // A tool's call begins with an empty piece, thoughts that are not shown tell how long they are; an empty text says nothing.
    const tells = type === 'input_json_delta' || typeof parts.estimated_tokens === 'number';
    return isText(text) || tells ? passContent : passQuiet;
  }

  /** Its usage is cumulative, and the caller reads there what it cost. */
  #end(event: JsonRecord): Step {
    if (isRecord(event.delta) && isText(event.delta.stop_reason)) this.#stopped = true;
    if (!isRecord(event.usage)) return passQuiet;
    const told = Object.fromEntries(Object.entries(event.usage).filter(([, value]) => value != null));
    this.usage = readMessageUsage({ ...this.#start, ...told });
    if (!this.usage) return passQuiet;
    const usage = { ...event.usage, 'x-tollgate-cost-usd': Number(this.#options.price(this.usage)) };
    const rewritten = Buffer.from(`event: message_delta\ndata: ${JSON.stringify({ ...event, usage })}\n\n`);
    return { kind: 'pass', content: false, rewritten };
  }
}

/** It counts as the status that it stands for, and passes whole. */
function errorStep(event: JsonRecord): Step {
  const error = readProviderError(event.error);
  const body = Buffer.from(JSON.stringify(event));
  return { kind: 'error', status: statusOfError(error), error, refusal: { contentType: 'application/json', body } };
}
