import type { TokenCounts } from '@tollgate/contracts';
import { isRecord, type JsonRecord } from './json.ts';
import { toldToolCalls } from './tool-calls.ts';
import { count, type MeasuredUsage, noTokens, readServiceTier, setSome } from './usage.ts';

/** Free, and known: counting tokens costs nothing. */
export const freeUsage: MeasuredUsage = Object.freeze({
  tokens: noTokens,
  serviceTier: '',
  toolCalls: Object.freeze({}),
  unknown: [],
});

/**
 * Reads `usage` of Anthropic's Messages API. Its `input_tokens` leave out what its prompt cache read and wrote: the prompt is the
 * sum of the three ("Prompt caching", Tracking cache performance). Undefined when its figures are none.
 */
export function readMessageUsage(value: unknown): MeasuredUsage | undefined {
  const usage = isRecord(value) ? value : {};
  const input = count(usage.input_tokens);
  const completion = count(usage.output_tokens ?? 0);
  if (input === undefined || completion === undefined) return undefined;
  const cachedPrompt = count(usage.cache_read_input_tokens) ?? 0;
  const written = count(usage.cache_creation_input_tokens) ?? 0;
  const tokens: TokenCounts = { prompt: input + cachedPrompt + written, completion, cachedPrompt, reasoning: 0 };
  setSome(tokens, 'cacheWritePrompt', written);
  return {
    tokens,
    serviceTier: readServiceTier(usage.service_tier),
    toolCalls: toldToolCalls(usage.server_tool_use),
    unknown: writtenForLong(usage.cache_creation) ? ['cache_write_1h_tokens'] : [],
  };
}

/**
 * What is kept for an hour costs more than what is kept for five minutes (2 and 1.25 times the input), and the price list has one
 * price for both: it is told as unpriced.
 */
function writtenForLong(value: unknown): boolean {
  const kinds: JsonRecord = isRecord(value) ? value : {};
  return (count(kinds.ephemeral_1h_input_tokens) ?? 0) > 0;
}
