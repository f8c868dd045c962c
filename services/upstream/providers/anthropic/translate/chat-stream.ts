import type { TokenCounts } from '@tollgate/contracts';
import { isRecord, isText, type JsonRecord, parseRecord } from '../../../domain/json.ts';
import { readMessageUsage } from '../../../domain/message-usage.ts';
import type { SseEvent } from '../../../domain/stream/sse.ts';
import type { StreamTranslator, Translated } from '../../wire.ts';
import { errorEvent } from './errors.ts';
import { argumentsText, finishReason, stem } from './message.ts';
import { chatUsage, mergedUsage, serviceTier } from './usage.ts';

const nothing: Translated = { kind: 'events', events: [] };
const done: Translated = { kind: 'events', events: [{ name: '', data: '[DONE]' }] };

/** A tool's call on its way. */
interface OpenCall {
  index: number;
  /** Something of its arguments came. */
  begun: boolean;
  input: unknown;
}

/** Events of a message as chunks of a chat completion. */
export class ChatStream implements StreamTranslator {
  readonly #created: number;
  #top: JsonRecord = {};
  #usage: unknown;
  begun: TokenCounts | undefined;
  #calls = 0;
  /** By the index of its block. */
  readonly #open = new Map<unknown, OpenCall>();

  constructor(nowMs: number) {
    this.#created = Math.floor(nowMs / 1000);
  }

  read({ name, data = '' }: SseEvent): Translated {
    const event = parseRecord(data);
    if (!event) return { kind: 'garbage', reason: 'an event of the stream is no JSON object' };
    switch (event.type ?? name) {
      case 'message_start':
        return this.#start(event.message);
      case 'content_block_start':
        return this.#startBlock(event.index, event.content_block);
      case 'content_block_delta':
        return this.#delta(event.index, event.delta);
      case 'content_block_stop':
        return this.#stopBlock(event.index);
      case 'message_delta':
        return this.#finish(event);
      case 'message_stop':
        return done;
      case 'error':
        return errorEvent(event);
      default:
        // Pings, and what Anthropic may add ("Streaming messages", Other events).
        return nothing;
    }
  }

  #start(message: unknown): Translated {
    const { id, model, usage }: JsonRecord = isRecord(message) ? message : {};
    this.#usage = usage;
    this.begun = readMessageUsage(usage)?.tokens;
    const tier = serviceTier(usage);
    this.#top = {
      id: `chatcmpl-${stem(id)}`,
      object: 'chat.completion.chunk',
      created: this.#created,
      model,
      ...(tier !== undefined && { service_tier: tier }),
    };
    return this.#chunk({ role: 'assistant', content: '', refusal: null });
  }

  #startBlock(block: unknown, content: unknown): Translated {
    if (!isRecord(content)) return nothing;
    if (content.type === 'text') return isText(content.text) ? this.#chunk({ content: content.text }) : nothing;
    if (content.type !== 'tool_use') return nothing;
    const index = this.#calls++;
    this.#open.set(block, { index, begun: false, input: content.input });
    const { id, name } = content;
    return this.#chunk({ tool_calls: [{ index, id, type: 'function', function: { name, arguments: '' } }] });
  }

  #delta(block: unknown, delta: unknown): Translated {
    if (!isRecord(delta)) return nothing;
    switch (delta.type) {
      case 'text_delta':
        return isText(delta.text) ? this.#chunk({ content: delta.text }) : nothing;
      case 'thinking_delta':
        return isText(delta.thinking) ? this.#chunk({ reasoning_content: delta.thinking }) : nothing;
      case 'input_json_delta': {
        const call = this.#open.get(block);
        if (!call || !isText(delta.partial_json)) return nothing;
        call.begun = true;
        return this.#arguments(call, delta.partial_json);
      }
      default:
        return nothing;
    }
  }

  /** Of a call without arguments no delta comes, and callers want an object. */
  #stopBlock(block: unknown): Translated {
    const call = this.#open.get(block);
    this.#open.delete(block);
    return !call || call.begun ? nothing : this.#arguments(call, argumentsText(call.input));
  }

  #arguments({ index }: OpenCall, text: string): Translated {
    return this.#chunk({ tool_calls: [{ index, function: { arguments: text } }] });
  }

  #finish({ delta, usage }: JsonRecord): Translated {
    const reason = isRecord(delta) ? delta.stop_reason : undefined;
    if (reason == null) return nothing;
    const told = chatUsage(mergedUsage(this.#usage, usage));
    const events = [this.#event([{ index: 0, delta: {}, logprobs: null, finish_reason: finishReason(reason) }])];
    if (told) events.push(this.#event([], told));
    return { kind: 'events', events };
  }

  #chunk(delta: JsonRecord): Translated {
    return { kind: 'events', events: [this.#event([{ index: 0, delta, logprobs: null, finish_reason: null }])] };
  }

  #event(choices: JsonRecord[], usage?: JsonRecord): SseEvent {
    return { name: '', data: JSON.stringify({ ...this.#top, choices, ...(usage && { usage }) }) };
  }
}
