import { isRecord, type JsonRecord, recordsOf } from './json.ts';
import { dataEvent, pieces } from './sse.ts';

/** A kept message as a new one. */
export const renderMessage = (answer: JsonRecord, id: string): string => JSON.stringify({ ...answer, id });

/** A kept message as the events of a stream. Its output tokens are told at the end, as the provider does it. */
export function renderMessageStream(answer: JsonRecord, id: string): string {
  const { content, stop_reason, stop_sequence = null, ...head } = answer;
  const usage = isRecord(answer.usage) ? answer.usage : {};
  const message = { ...head, id, content: [], stop_reason: null, stop_sequence: null };
  return [
    event('message_start', { message: { ...message, usage: { ...usage, output_tokens: 1 } } }),
    ...recordsOf(content).flatMap(block),
    event('message_delta', { delta: { stop_reason, stop_sequence }, usage }),
    event('message_stop', {}),
  ].join('');
}

function block({ text, citations, ...rest }: JsonRecord, index: number): string[] {
  const delta = (fields: JsonRecord) => event('content_block_delta', { index, delta: fields });
  const cited = recordsOf(citations);
  const empty = { ...rest, text: '', ...(cited.length > 0 && { citations: [] }) };
  return [
    event('content_block_start', { index, content_block: empty }),
    ...cited.map((citation) => delta({ type: 'citations_delta', citation })),
    ...pieces(typeof text === 'string' ? text : '').map((piece) => delta({ type: 'text_delta', text: piece })),
    event('content_block_stop', { index }),
  ];
}

function event(type: string, fields: JsonRecord): string {
  return `event: ${type}\n${dataEvent({ type, ...fields })}`;
}
