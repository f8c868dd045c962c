import { isNothing, type JsonRecord, recordsOf } from './json.ts';
import type { Repeat } from './render-chat.ts';
import { dataEvent, pieces } from './sse.ts';

/** The id of an item, with the prefix (`msg_…`) where a new one is drawn. @param own what its provider calls it */
export type ItemId = (prefix: string, own: unknown) => string;

/** A kept response as a new one. */
export const renderResponse = (answer: JsonRecord, repeat: Repeat, itemId: ItemId): string =>
  JSON.stringify(renewed(answer, repeat, itemId));

/** A kept response as the typed events of a stream. Its usage stands in the last one, which no `[DONE]` follows. */
export function renderResponseStream(answer: JsonRecord, repeat: Repeat, itemId: ItemId): string {
  const response = renewed(answer, repeat, itemId);
  const started = { ...response, status: 'in_progress', completed_at: null, output: [], usage: null };
  const events = new Events();
  events.add('response.created', { response: started });
  events.add('response.in_progress', { response: started });
  for (const [index, item] of recordsOf(response.output).entries()) {
    if (item.type === 'message') addMessage(events, index, item);
    else addReasoning(events, index, item);
  }
  events.add('response.completed', { response });
  return events.text;
}

class Events {
  text = '';
  #sequence = 0;

  add(type: string, fields: JsonRecord): void {
    this.text += `event: ${type}\n${dataEvent({ type, sequence_number: this.#sequence++, ...fields })}`;
  }
}

function renewed(answer: JsonRecord, { id, nowSeconds }: Repeat, itemId: ItemId): JsonRecord {
  return {
    ...answer,
    id,
    created_at: nowSeconds,
    ...(isNothing(answer.completed_at) ? {} : { completed_at: nowSeconds }),
    output: recordsOf(answer.output).map((item) => ({
      ...item,
      id: itemId(item.type === 'message' ? 'msg_' : 'rs_', item.id),
    })),
  };
}

function addMessage(events: Events, outputIndex: number, item: JsonRecord): void {
  events.add('response.output_item.added', {
    output_index: outputIndex,
    item: { ...item, status: 'in_progress', content: [] },
  });
  for (const [contentIndex, part] of recordsOf(item.content).entries()) {
    const place = { item_id: item.id, output_index: outputIndex, content_index: contentIndex };
    const text = typeof part.text === 'string' ? part.text : '';
    const logprobs = part.logprobs ?? [];
    events.add('response.content_part.added', { ...place, part: { ...part, annotations: [], logprobs: [], text: '' } });
    // Log probabilities belong to the text of their event, so the text stays whole with them.
    for (const delta of isNothing(part.logprobs) ? pieces(text) : [text]) {
      events.add('response.output_text.delta', { ...place, delta, logprobs });
    }
    for (const [annotationIndex, annotation] of recordsOf(part.annotations).entries()) {
      const added = { ...place, annotation_index: annotationIndex, annotation };
      events.add('response.output_text.annotation.added', added);
    }
    events.add('response.output_text.done', { ...place, text, logprobs });
    events.add('response.content_part.done', { ...place, part });
  }
  events.add('response.output_item.done', { output_index: outputIndex, item });
}

function addReasoning(events: Events, outputIndex: number, item: JsonRecord): void {
  events.add('response.output_item.added', { output_index: outputIndex, item: { ...item, summary: [] } });
  for (const [summaryIndex, part] of recordsOf(item.summary).entries()) {
    const place = { item_id: item.id, output_index: outputIndex, summary_index: summaryIndex };
    const text = typeof part.text === 'string' ? part.text : '';
    events.add('response.reasoning_summary_part.added', { ...place, part: { ...part, text: '' } });
    for (const delta of pieces(text)) events.add('response.reasoning_summary_text.delta', { ...place, delta });
    events.add('response.reasoning_summary_text.done', { ...place, text });
    events.add('response.reasoning_summary_part.done', { ...place, part });
  }
  events.add('response.output_item.done', { output_index: outputIndex, item });
}
