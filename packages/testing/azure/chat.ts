import { answerResults, type ContentFilterMode, promptFilterResults } from './filters.ts';
import type { Choice, GeneratedCall } from './generate.ts';
import type { Piece } from './tokens.ts';
import { chatUsage, type IssuedUsage } from './usage.ts';

/** What all chunks of one completion share. */
export interface ChatMeta {
  id: string;
  /** Seconds since the epoch. */
  created: number;
  /** The dated version, not the deployment. */
  model: string;
  mode: ContentFilterMode;
  /** What a search found, cited by the first choice. */
  annotations?: readonly object[];
  /** `logprobs` was asked for, with so many alternatives each; undefined: it was not. */
  topLogprobs?: number | undefined;
  /** Undefined: none is named. */
  serviceTier?: string | undefined;
}

/** One citation a search. */
export function citations(searches = 0): object[] {
  return Array.from({ length: searches }, (_, at) => ({
    type: 'url_citation',
    url_citation: { start_index: 0, end_index: 1, title: `Result ${at + 1}`, url: `https://example.com/${at + 1}` },
  }));
}

export const SYSTEM_FINGERPRINT = 'fp_ee1d74bde0';

export function chatCompletion(meta: ChatMeta, choices: readonly Choice[], usage: IssuedUsage): object {
  return {
    choices: choices.map((choice, index) => chatChoice(choice, index, meta)),
    created: meta.created,
    id: meta.id,
    model: meta.model,
    object: 'chat.completion',
    ...(meta.mode === 'off' ? {} : { prompt_filter_results: promptFilterResults() }),
    ...tierOf(meta),
    system_fingerprint: SYSTEM_FINGERPRINT,
    usage: chatUsage(usage),
  };
}

/** Made up, but of the tokens' own text and bytes. */
export function logprobsOf(pieces: readonly Piece[], { topLogprobs }: ChatMeta): object | null {
  if (topLogprobs === undefined) return null;
  const entry = ({ text }: Piece, logprob: number) => ({ bytes: [...Buffer.from(text)], logprob, token: text });
  const alternatives = (piece: Piece) => Array.from({ length: topLogprobs }, (_, at) => entry(piece, -0.1 * (at + 1)));
  return {
    content: pieces.map((piece) => ({ ...entry(piece, -0.1), top_logprobs: alternatives(piece) })),
    refusal: null,
  };
}

export function tierOf({ serviceTier }: ChatMeta): object {
  return serviceTier === undefined ? {} : { service_tier: serviceTier };
}

function chatChoice(choice: Choice, index: number, meta: ChatMeta): object {
  const { mode, annotations = [] } = meta;
  const filtered = choice.finishReason === 'content_filter';
  const called = choice.toolCalls.length > 0;
  return {
    ...(mode === 'off' && !filtered ? {} : { content_filter_results: called ? {} : answerResults(filtered) }),
    finish_reason: choice.finishReason,
    index,
    logprobs: called ? null : logprobsOf(choice.pieces, meta),
    message: {
      annotations: index === 0 ? annotations : [],
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
