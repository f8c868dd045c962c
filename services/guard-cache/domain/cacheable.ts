import { Surface } from '@tollgate/contracts';
import { isNothing, isRecord, type JsonRecord, recordsOf } from './json.ts';

export type Unfit = 'surface' | 'not_json' | 'incomplete' | 'tool_calls' | 'refusal' | 'stateful' | 'empty';

/** Either the answer's JSON as it is kept, or why it must not be. */
export type Judged = { readonly answer: Uint8Array | string } | { readonly unfit: Unfit };

// An answer repeats what its first caller said about itself; the next caller must not read it.
const callersOwn: JsonRecord = { metadata: {}, user: null, safety_identifier: null, prompt_cache_key: null };

/**
 * Whether another caller may get this answer: complete, in words only, and not bound to state that the provider keeps for
 * somebody.
 */
export function judge(surface: Surface, bytes: Uint8Array): Judged {
  const answer = parse(bytes);
  if (answer === undefined) return { unfit: 'not_json' };
  const unfit = unfitness(surface, answer);
  if (unfit !== undefined) return { unfit };
  return { answer: hasCallersOwn(answer) ? JSON.stringify(withoutCallersOwn(answer)) : bytes };
}

function hasCallersOwn(answer: JsonRecord): boolean {
  for (const member in callersOwn) if (member in answer) return true;
  return false;
}

function withoutCallersOwn(answer: JsonRecord): JsonRecord {
  const kept = { ...answer };
  for (const [member, blank] of Object.entries(callersOwn)) if (member in kept) kept[member] = blank;
  return kept;
}

function unfitness(surface: Surface, answer: JsonRecord): Unfit | undefined {
  if (surface === Surface.CHAT_COMPLETIONS) return unfitChat(answer);
  if (surface === Surface.RESPONSES) return unfitResponse(answer);
  if (surface === Surface.MESSAGES) return unfitMessage(answer);
  return 'surface';
}

function unfitChat(answer: JsonRecord): Unfit | undefined {
  const [choice, another] = recordsOf(answer.choices);
  const message = choice?.message;
  if (answer.object !== 'chat.completion' || another !== undefined || !isRecord(message)) return 'incomplete';
  if (!isNothing(message.tool_calls) || !isNothing(message.function_call)) return 'tool_calls';
  if (!isNothing(message.refusal)) return 'refusal';
  if (choice?.finish_reason !== 'stop' || !isNothing(message.audio)) return 'incomplete';
  return typeof message.content === 'string' && message.content !== '' ? undefined : 'empty';
}

function unfitResponse(answer: JsonRecord): Unfit | undefined {
  if (answer.object !== 'response' || answer.status !== 'completed') return 'incomplete';
  if (!isNothing(answer.error) || !isNothing(answer.incomplete_details)) return 'incomplete';
  if (!isNothing(answer.previous_response_id) || !isNothing(answer.conversation)) return 'stateful';
  const items = recordsOf(answer.output);
  if (items.some((item) => item.type !== 'message' && item.type !== 'reasoning')) return 'tool_calls';
  // Sealed for the provider's resource that made it: another one cannot read it back.
  if (items.some((item) => !isNothing(item.encrypted_content))) return 'stateful';
  const parts = items.filter((item) => item.type === 'message').flatMap((item) => recordsOf(item.content));
  if (parts.some((part) => part.type !== 'output_text')) return 'refusal';
  return parts.some((part) => typeof part.text === 'string' && part.text !== '') ? undefined : 'empty';
}

function unfitMessage(answer: JsonRecord): Unfit | undefined {
  if (answer.type !== 'message') return 'incomplete';
  if (!isNothing(answer.container)) return 'stateful';
  if (answer.stop_reason === 'tool_use' || answer.stop_reason === 'pause_turn') return 'tool_calls';
  if (answer.stop_reason === 'refusal') return 'refusal';
  if (answer.stop_reason !== 'end_turn' && answer.stop_reason !== 'stop_sequence') return 'incomplete';
  const blocks = recordsOf(answer.content);
  // Thoughts are sealed for the conversation that they were in.
  if (blocks.some(({ type }) => type === 'thinking' || type === 'redacted_thinking')) return 'stateful';
  if (blocks.some(({ type }) => type !== 'text')) return 'tool_calls';
  return blocks.some(({ text }) => typeof text === 'string' && text !== '') ? undefined : 'empty';
}

function parse(bytes: Uint8Array): JsonRecord | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
