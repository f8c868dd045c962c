import type { TokenCounts } from '@tollgate/contracts';
import { isRecord, type JsonRecord } from './json.ts';
import { toldToolCalls } from './tool-calls.ts';
import { addTokens, count, type MeasuredUsage, noTokens, readServiceTier, setSome } from './usage.ts';

/** Free, and known: counting tokens costs nothing. */
export const freeUsage: MeasuredUsage = Object.freeze({
  tokens: noTokens,
  serviceTier: '',
  toolCalls: Object.freeze({}),
  unknown: [],
});

/**
 * Reads `usage` of Anthropic's Messages API. Undefined when its figures are none. What it compacted on the way is not part of its
 * own sums (API reference, `usage.iterations`) and is added.
 */
export function readMessageUsage(value: unknown): MeasuredUsage | undefined {
  const usage = isRecord(value) ? value : {};
  const own = tokensOf(usage);
  if (!own) return undefined;
  const beside = iterationsBeside(usage.iterations);
  const unknown = new Set<string>();
  for (const part of [usage, ...beside]) if (writtenForLong(part.cache_creation)) unknown.add('cache_write_1h_tokens');
  // Another model than the one that was asked, whose price is not known here.
  if (beside.some(({ type }) => type !== 'compaction')) unknown.add('iterations');
  // Fetching a page costs its tokens only ("Web fetch tool", Usage and pricing).
  const { web_fetch: _free, ...toolCalls } = toldToolCalls(usage.server_tool_use);
  return {
    tokens: beside.reduce((sum, part) => addTokens(sum, tokensOf(part) ?? noTokens), own),
    // The fast mode has prices of its own, as a tier has.
    serviceTier: usage.speed === 'fast' ? 'fast' : readServiceTier(usage.service_tier),
    toolCalls,
    unknown: [...unknown],
  };
}

/** `input_tokens` leave out what the prompt cache read and wrote: the prompt is the sum of the three ("Prompt caching"). */
function tokensOf(usage: JsonRecord): TokenCounts | undefined {
  const input = count(usage.input_tokens);
  const completion = count(usage.output_tokens ?? 0);
  if (input === undefined || completion === undefined) return undefined;
  const cachedPrompt = count(usage.cache_read_input_tokens) ?? 0;
  const written = count(usage.cache_creation_input_tokens) ?? 0;
  const details = isRecord(usage.output_tokens_details) ? usage.output_tokens_details : {};
  const reasoning = Math.min(count(details.thinking_tokens) ?? 0, completion);
  const tokens: TokenCounts = { prompt: input + cachedPrompt + written, completion, cachedPrompt, reasoning };
  setSome(tokens, 'cacheWritePrompt', written);
  return tokens;
}

/** Of the steps of an answer those whose tokens its own figures leave out. */
function iterationsBeside(iterations: unknown): JsonRecord[] {
  const all = Array.isArray(iterations) ? iterations.filter(isRecord) : [];
  return all.filter(({ type }) => type !== 'message' && type !== 'fallback_message');
}

/**
 * What is kept for an hour costs more than what is kept for five minutes (2 and 1.25 times the input), and the price list has one
 * price for both: it is told as unpriced.
 */
function writtenForLong(value: unknown): boolean {
  const kinds: JsonRecord = isRecord(value) ? value : {};
  return (count(kinds.ephemeral_1h_input_tokens) ?? 0) > 0;
}
