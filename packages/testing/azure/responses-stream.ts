import type { Choice, GeneratedCall } from './generate.ts';
import type { JsonRecord } from './json.ts';
import { type ResponseFacts, responseObject, textPart } from './responses.ts';
import { type EventSink, namedEvent } from './sse.ts';
import type { IssuedUsage } from './usage.ts';

export interface ResponseStreamFacts {
  facts: ResponseFacts;
  choice: Choice;
  /** The items of `final`: calls of the provider's tools, then one for each call of the caller's or one message. */
  items: readonly JsonRecord[];
  final: JsonRecord;
  usage: IssuedUsage;
}

/** The typed events of a Responses stream. Its usage stands in the last event, which no `[DONE]` follows. */
export class ResponseStream {
  readonly #stream: EventSink;
  readonly #told: ResponseStreamFacts;
  readonly #number: () => number;

  /** `number` gives the next `sequence_number`; it is shared with the event of a fault. */
  constructor(stream: EventSink, told: ResponseStreamFacts, number: () => number) {
    this.#stream = stream;
    this.#told = told;
    this.#number = number;
  }

  async send(): Promise<void> {
    const { facts, choice, items, final, usage } = this.#told;
    const started = responseObject(facts, 'in_progress');
    await this.#event('response.created', { response: started });
    await this.#event('response.in_progress', { response: started });
    for (const [index, item] of items.entries()) {
      const call = choice.toolCalls.find(({ id }) => id === item.call_id);
      if (call) await this.#callItem(index, item, call);
      else if (item.type === 'message') await this.#messageItem(index, item, choice);
      else await this.#toolItem(index, item);
    }
    const type = final.status === 'completed' ? 'response.completed' : 'response.incomplete';
    await this.#stream.finish(this.#named(type, { response: final }), usage, true);
  }

  async #messageItem(outputIndex: number, item: JsonRecord, choice: Choice): Promise<void> {
    const place = { content_index: 0, item_id: item.id, output_index: outputIndex };
    await this.#opened(outputIndex, { ...item, status: 'in_progress', content: [] });
    await this.#event('response.content_part.added', { ...place, part: textPart('') });
    for (const piece of choice.pieces) {
      const delta = { ...place, delta: piece.text, logprobs: [] };
      await this.#stream.content(this.#named('response.output_text.delta', delta), piece.tokens);
    }
    await this.#event('response.output_text.done', { ...place, logprobs: [], text: choice.text });
    await this.#event('response.content_part.done', { ...place, part: textPart(choice.text) });
    await this.#event('response.output_item.done', { output_index: outputIndex, item });
  }

  async #callItem(outputIndex: number, item: JsonRecord, call: GeneratedCall): Promise<void> {
    const place = { item_id: item.id, output_index: outputIndex };
    await this.#opened(outputIndex, { ...item, status: 'in_progress', arguments: '' });
    for (const piece of call.pieces) {
      const delta = this.#named('response.function_call_arguments.delta', { ...place, delta: piece.text });
      await this.#stream.content(delta, piece.tokens);
    }
    await this.#event('response.function_call_arguments.done', { ...place, arguments: call.arguments });
    await this.#event('response.output_item.done', { output_index: outputIndex, item });
  }

  /** A call of the provider's own tool: nothing of it is content. */
  async #toolItem(outputIndex: number, item: JsonRecord): Promise<void> {
    await this.#opened(outputIndex, { ...item, status: 'in_progress' });
    await this.#event('response.output_item.done', { output_index: outputIndex, item });
  }

  #opened(outputIndex: number, item: JsonRecord): Promise<void> {
    return this.#event('response.output_item.added', { output_index: outputIndex, item });
  }

  #event(type: string, fields: object): Promise<void> {
    return this.#stream.event(this.#named(type, fields));
  }

  #named(type: string, fields: object): string {
    return namedEvent(type, { type, sequence_number: this.#number(), ...fields });
  }
}

/**
 * A rate limit inside HTTP 200: the response fails without saying why, then an event that is not part of OpenAI's
 * protocol carries the reason, nested.
 */
export function rateLimitedEvents(facts: ResponseFacts): string {
  const error = {
    type: 'too_many_requests',
    code: 'rate_limit_exceeded',
    headers: { 'x-ms-fe-error': 'true' },
    message: 'Your requests to the deployment have exceeded rate limit.',
    param: null,
  };
  const created = { type: 'response.created', sequence_number: 0, response: responseObject(facts, 'in_progress') };
  const failed = { type: 'response.failed', sequence_number: 1, response: responseObject(facts, 'failed') };
  return (
    namedEvent('response.created', created) +
    namedEvent('response.failed', failed) +
    namedEvent('error', { type: 'error', sequence_number: 2, error })
  );
}
