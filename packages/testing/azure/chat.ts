import { answerResults, type ContentFilterMode, promptFilterResults } from './filters.ts';
import type { Choice, GeneratedCall } from './generate.ts';
import { chatUsage, type IssuedUsage } from './usage.ts';

/** What all chunks of one completion share. */
export interface ChatMeta {
  id: string;
  /** Seconds since the epoch. */
  created: number;
  /** The dated version, not the deployment. */
  model: string;
  mode: ContentFilterMode;
}

export const SYSTEM_FINGERPRINT = 'fp_ee1d74bde0';

export function chatCompletion(meta: ChatMeta, choices: readonly Choice[], usage: IssuedUsage): object {
  return {
    choices: choices.map((choice, index) => chatChoice(choice, index, meta.mode)),
    created: meta.created,
    id: meta.id,
    model: meta.model,
    object: 'chat.completion',
    ...(meta.mode === 'off' ? {} : { prompt_filter_results: promptFilterResults() }),
    system_fingerprint: SYSTEM_FINGERPRINT,
    usage: chatUsage(usage),
  };
}

function chatChoice(choice: Choice, index: number, mode: ContentFilterMode): object {
  const filtered = choice.finishReason === 'content_filter';
  const called = choice.toolCalls.length > 0;
  return {
    ...(mode === 'off' && !filtered ? {} : { content_filter_results: called ? {} : answerResults(filtered) }),
    finish_reason: choice.finishReason,
    index,
    logprobs: null,
    message: {
      annotations: [],
      content: called ? null : choice.text,
      refusal: null,
      role: 'assistant',
      ...(called ? { tool_calls: choice.toolCalls.map(chatToolCall) } : {}),
    },
  };
}

function chatToolCall(call: GeneratedCall): object {
  return { function: { arguments: call.arguments, name: call.name }, id: call.id, type: 'function' };
}
