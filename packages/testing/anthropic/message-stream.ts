import type { FaultSpec } from '../azure/faults.ts';
import { type EventSink, namedEvent } from '../azure/sse.ts';
import { type Block, type Message, wholeBlock } from './message.ts';
import { deltaUsage, messageUsage, startUsage } from './usage.ts';

/** A whole message as JSON. */
export function messageJson(message: Message, fault: FaultSpec): object {
  return {
    ...headOf(message),
    content: message.blocks.map(wholeBlock),
    stop_reason: message.stopReason,
    stop_sequence: message.stopSequence,
    usage: messageUsage(message.usage, fault),
  };
}

/** The same as events, in the order of the real API: a ping follows the start of the first block. */
export async function streamMessage(stream: EventSink, message: Message, fault: FaultSpec): Promise<void> {
  const { stopReason: stop_reason, stopSequence: stop_sequence, usage } = message;
  const start = { ...headOf(message), content: [], stop_reason: null, stop_sequence: null };
  await stream.event(typed('message_start', { message: { ...start, usage: startUsage(usage, fault) } }));
  if (message.blocks.length === 0) await stream.event(typed('ping', {}));
  for (const [index, block] of message.blocks.entries()) {
    await stream.event(typed('content_block_start', { index, content_block: emptyBlock(block) }));
    if (index === 0) await stream.event(typed('ping', {}));
    await streamBlock(stream, index, block);
    await stream.event(typed('content_block_stop', { index }));
  }
  const last = typed('message_delta', { delta: { stop_reason, stop_sequence }, usage: deltaUsage(usage, fault) });
  await stream.finish(last + typed('message_stop', {}), usage, true);
}

async function streamBlock(stream: EventSink, index: number, block: Block): Promise<void> {
  // The arguments of a tool begin with an empty piece.
  if (block.type === 'tool_use')
    await stream.event(typed('content_block_delta', { index, delta: { type: 'input_json_delta', partial_json: '' } }));
  for (const { text, tokens } of block.pieces) {
    await stream.content(typed('content_block_delta', { index, delta: deltaOf(block, text) }), tokens);
  }
  if (block.type !== 'thinking') return;
  const delta = { type: 'signature_delta', signature: block.signature };
  await stream.event(typed('content_block_delta', { index, delta }));
}

function deltaOf({ type }: Block, text: string): object {
  if (type === 'thinking') return { type: 'thinking_delta', thinking: text };
  return type === 'text' ? { type: 'text_delta', text } : { type: 'input_json_delta', partial_json: text };
}

function emptyBlock(block: Block): object {
  switch (block.type) {
    case 'thinking':
      return { type: 'thinking', thinking: '', signature: '' };
    case 'text':
      return { type: 'text', text: '' };
    case 'tool_use':
      return { type: 'tool_use', id: block.id, name: block.name, input: {} };
  }
}

function headOf({ id, model }: Message): object {
  return { model, id, type: 'message', role: 'assistant' };
}

function typed(type: string, fields: object): string {
  return namedEvent(type, { type, ...fields });
}
