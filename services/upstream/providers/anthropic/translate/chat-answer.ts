import { isRecord, isText, type JsonRecord } from '../../../domain/json.ts';
import { argumentsText, finishReason, parseMessage, stem } from './message.ts';
import { chatUsage, serviceTier } from './usage.ts';

/** A message as a chat completion; the same buffer when it is none. */
export function chatAnswer(body: Buffer, nowMs: number): Buffer {
  const message = parseMessage(body);
  if (!message) return body;
  const blocks = message.content.filter(isRecord);
  const usage = chatUsage(message.usage);
  const tier = serviceTier(message.usage);
  const completion = {
    id: `chatcmpl-${stem(message.id)}`,
    object: 'chat.completion',
    created: Math.floor(nowMs / 1000),
    model: message.model,
    choices: [
      {
        index: 0,
        message: assistantMessage(blocks),
        logprobs: null,
        finish_reason: finishReason(message.stop_reason),
      },
    ],
    ...(usage && { usage }),
    ...(tier !== undefined && { service_tier: tier }),
  };
  return Buffer.from(JSON.stringify(completion));
}

function assistantMessage(blocks: readonly JsonRecord[]): JsonRecord {
  const text = join(blocks, 'text', 'text');
  const thought = join(blocks, 'thinking', 'thinking');
  const calls = blocks
    .filter(({ type }) => type === 'tool_use')
    .map(({ id, name, input }) => ({ id, type: 'function', function: { name, arguments: argumentsText(input) } }));
  return {
    role: 'assistant',
    content: text === '' && calls.length > 0 ? null : text,
    refusal: null,
    annotations: [],
    ...(thought !== '' && { reasoning_content: thought }),
    ...(calls.length > 0 && { tool_calls: calls }),
  };
}

function join(blocks: readonly JsonRecord[], type: string, member: string): string {
  return blocks
    .filter((block) => block.type === type)
    .map((block) => block[member])
    .filter(isText)
    .join('');
}
