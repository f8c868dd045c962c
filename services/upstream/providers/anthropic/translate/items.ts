import { isText, type JsonRecord } from '../../../domain/json.ts';
import { argumentsText } from './message.ts';
import type { ResponseWish } from './responses-request.ts';
import { sealThought } from './thoughts.ts';

/** Items of a response's output, one of each block that Anthropic's models write. @param key unique in the response */

export function messageItem(key: string, text: string): JsonRecord {
  return {
    id: `msg_${key}`,
    type: 'message',
    status: 'completed',
    role: 'assistant',
    content: [textPart(text)],
  };
}

export function textPart(text: string): JsonRecord {
  return { type: 'output_text', annotations: [], logprobs: [], text };
}

export function callItem(key: string, block: JsonRecord, text: string): JsonRecord {
  const { id, name } = block;
  return { id: `fc_${key}`, type: 'function_call', status: 'completed', arguments: text, call_id: id, name };
}

/** @param block with all that was thought, and its signature */
export function reasoningItem(key: string, block: JsonRecord, { summary, encrypted }: ResponseWish): JsonRecord {
  const shown = summary && isText(block.thinking) ? [{ type: 'summary_text', text: block.thinking }] : [];
  return {
    id: `rs_${key}`,
    type: 'reasoning',
    summary: shown,
    ...(encrypted && { encrypted_content: sealThought(block) }),
  };
}

/** Undefined for a block that has no counterpart. */
export function itemOf(key: string, block: JsonRecord, wish: ResponseWish): JsonRecord | undefined {
  switch (block.type) {
    case 'text':
      return messageItem(key, isText(block.text) ? block.text : '');
    case 'tool_use':
      return callItem(key, block, argumentsText(block.input));
    case 'thinking':
    case 'redacted_thinking':
      return reasoningItem(key, block, wish);
    default:
      return undefined;
  }
}
