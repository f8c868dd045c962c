import type { TokenCounts } from '@tollgate/contracts';
import { isRecord, isText, type JsonRecord, parseRecord } from '../../../domain/json.ts';
import { readMessageUsage } from '../../../domain/message-usage.ts';
import type { SseEvent } from '../../../domain/stream/sse.ts';
import type { StreamTranslator, Translated } from '../../wire.ts';
import { errorEvent } from './errors.ts';
import { callItem, messageItem, reasoningItem, textPart } from './items.ts';
import { argumentsText, incompleteReason, stem } from './message.ts';
import { response } from './responses-answer.ts';
import type { ResponseWish } from './responses-request.ts';
import { mergedUsage } from './usage.ts';

const nothing: Translated = { kind: 'events', events: [] };
/** All that a stream's last events repeat; no model writes as much. */
const charactersMax = 16 * 1024 * 1024;

/** A block on its way: its item, and what came of it. */
interface OpenBlock {
  block: JsonRecord;
  key: string;
  at: number;
  text: string;
  signature: string;
}

/** Events of a message as the typed events of a response. */
export class ResponsesStream implements StreamTranslator {
  readonly #shape: JsonRecord;
  readonly #wish: ResponseWish;
  #sequence = 0;
  #message: JsonRecord = {};
  #stopReason: unknown;
  #usage: unknown;
  begun: TokenCounts | undefined;
  readonly #output: JsonRecord[] = [];
  #open: OpenBlock | undefined;
  #characters = 0;

  /** @param shape as responseShape made it */
  constructor(shape: JsonRecord, wish: ResponseWish) {
    this.#shape = shape;
    this.#wish = wish;
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
        return this.#delta(event.delta);
      case 'content_block_stop':
        return this.#stopBlock();
      case 'message_delta':
        if (isRecord(event.delta)) this.#stopReason = event.delta.stop_reason ?? this.#stopReason;
        this.#usage = mergedUsage(this.#usage, event.usage);
        return nothing;
      case 'message_stop':
        return this.#finish();
      case 'error':
        return errorEvent(event);
      default:
        // Pings, and what Anthropic may add ("Streaming messages", Other events).
        return nothing;
    }
  }

  #start(message: unknown): Translated {
    this.#message = isRecord(message) ? message : {};
    this.#usage = this.#message.usage;
    this.begun = readMessageUsage(this.#usage)?.tokens;
    const { id, model } = this.#message;
    const begun = {
      id: `resp_${stem(id)}`,
      ...this.#shape,
      status: 'in_progress',
      incomplete_details: null,
      model,
      output: [],
      usage: null,
    };
    return this.#events(['response.created', { response: begun }], ['response.in_progress', { response: begun }]);
  }

  #startBlock(index: unknown, block: unknown): Translated {
    if (!isRecord(block)) return nothing;
    const key = `${stem(this.#message.id)}_${Number(index) || 0}`;
    const open: OpenBlock = { block, key, at: this.#output.length, text: '', signature: '' };
    switch (block.type) {
      case 'text':
        this.#open = open;
        return this.#startText(open);
      case 'tool_use':
        this.#open = open;
        return this.#events(added(open, { ...callItem(key, block, ''), status: 'in_progress' }));
      case 'thinking':
      case 'redacted_thinking':
        this.#open = open;
        return this.#startThought(open);
      default:
        return nothing;
    }
  }

  #startText(open: OpenBlock): Translated {
    const item = { ...messageItem(open.key, ''), status: 'in_progress', content: [] };
    const begun = [added(open, item), ['response.content_part.added', partOf(open, '')]] satisfies Typed[];
    if (!isText(open.block.text)) return this.#events(...begun);
    open.text = open.block.text;
    return this.#events(...begun, ['response.output_text.delta', { ...placeOf(open), delta: open.text, logprobs: [] }]);
  }

  #startThought(open: OpenBlock): Translated {
    const item = { id: `rs_${open.key}`, type: 'reasoning', summary: [] };
    if (!this.#isShown(open)) return this.#events(added(open, item));
    return this.#events(added(open, item), ['response.reasoning_summary_part.added', summaryOf(open, '')]);
  }

  #delta(delta: unknown): Translated {
    const open = this.#open;
    if (!open || !isRecord(delta)) return nothing;
    if (delta.type === 'signature_delta') {
      if (isText(delta.signature)) open.signature += delta.signature;
      return nothing;
    }
    const text = delta.text ?? delta.partial_json ?? delta.thinking;
    if (!isText(text)) return nothing;
    open.text += text;
    this.#characters += text.length;
    if (this.#characters > charactersMax) return { kind: 'garbage', reason: 'the stream is longer than it may be' };
    switch (delta.type) {
      case 'text_delta':
        return this.#events(['response.output_text.delta', { ...placeOf(open), delta: text, logprobs: [] }]);
      case 'input_json_delta':
        return this.#events(['response.function_call_arguments.delta', { ...callOf(open), delta: text }]);
      case 'thinking_delta':
        return this.#isShown(open)
          ? this.#events(['response.reasoning_summary_text.delta', { ...thoughtOf(open), delta: text }])
          : nothing;
      default:
        return nothing;
    }
  }

  #stopBlock(): Translated {
    const open = this.#open;
    this.#open = undefined;
    if (!open) return nothing;
    switch (open.block.type) {
      case 'text':
        return this.#stopText(open);
      case 'tool_use':
        return this.#stopCall(open);
      default:
        return this.#stopThought(open);
    }
  }

  #stopText(open: OpenBlock): Translated {
    return this.#events(
      ['response.output_text.done', { ...placeOf(open), text: open.text, logprobs: [] }],
      ['response.content_part.done', partOf(open, open.text)],
      this.#done(open, messageItem(open.key, open.text)),
    );
  }

  /** Of a call without arguments no delta comes, and callers want an object. */
  #stopCall(open: OpenBlock): Translated {
    const whole = open.text || argumentsText(open.block.input);
    const events: Typed[] = [];
    if (open.text === '') events.push(['response.function_call_arguments.delta', { ...callOf(open), delta: whole }]);
    events.push(
      ['response.function_call_arguments.done', { ...callOf(open), name: open.block.name, arguments: whole }],
      this.#done(open, callItem(open.key, open.block, whole)),
    );
    return this.#events(...events);
  }

  #stopThought(open: OpenBlock): Translated {
    const block = open.block.type === 'thinking' ? whole(open) : open.block;
    const last = this.#done(open, reasoningItem(open.key, block, this.#wish));
    if (!this.#isShown(open)) return this.#events(last);
    return this.#events(
      ['response.reasoning_summary_text.done', { ...thoughtOf(open), text: open.text }],
      ['response.reasoning_summary_part.done', summaryOf(open, open.text)],
      last,
    );
  }

  /** What Anthropic keeps to itself has no text to be shown. */
  #isShown({ block }: OpenBlock): boolean {
    return this.#wish.summary && block.type === 'thinking';
  }

  #done(open: OpenBlock, item: JsonRecord): Typed {
    this.#output.push(item);
    return ['response.output_item.done', { output_index: open.at, item }];
  }

  #finish(): Translated {
    if (this.#stopReason == null) return { kind: 'garbage', reason: 'message_stop before a reason to stop' };
    const name = incompleteReason(this.#stopReason) === undefined ? 'response.completed' : 'response.incomplete';
    const ended = response(this.#shape, this.#message, this.#output, this.#stopReason, this.#usage);
    return this.#events([name, { response: ended }]);
  }

  #events(...typed: Typed[]): Translated {
    const events = typed.map(([type, members]): SseEvent => {
      const event = { type, sequence_number: this.#sequence++, ...members };
      return { name: type, data: JSON.stringify(event) };
    });
    return { kind: 'events', events };
  }
}

/** An event's type and its members. */
type Typed = [type: string, members: JsonRecord];

function added({ at }: OpenBlock, item: JsonRecord): Typed {
  return ['response.output_item.added', { output_index: at, item }];
}

function placeOf({ key, at }: OpenBlock): JsonRecord {
  return { item_id: `msg_${key}`, output_index: at, content_index: 0 };
}

function partOf(open: OpenBlock, text: string): JsonRecord {
  return { ...placeOf(open), part: textPart(text) };
}

function callOf({ key, at }: OpenBlock): JsonRecord {
  return { item_id: `fc_${key}`, output_index: at };
}

function thoughtOf({ key, at }: OpenBlock): JsonRecord {
  return { item_id: `rs_${key}`, output_index: at, summary_index: 0 };
}

function summaryOf(open: OpenBlock, text: string): JsonRecord {
  return { ...thoughtOf(open), part: { type: 'summary_text', text } };
}

function whole({ text, signature }: OpenBlock): JsonRecord {
  return { type: 'thinking', thinking: text, signature };
}
