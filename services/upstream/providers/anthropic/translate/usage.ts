import { isRecord, type JsonRecord } from '../../../domain/json.ts';

/** Anthropic's three parts of a prompt, which it counts apart, and its output, as OpenAI counts them. */
interface Counts {
  prompt: number;
  cached: number;
  cacheWrite: number;
  /** Part of cacheWrite, at a price of its own: kept for an hour. */
  cacheWriteHour: number;
  output: number;
  thinking: number;
}

/** Of a stream: what its start said, as far as its last word does not say it anew. */
export function mergedUsage(start: unknown, last: unknown): JsonRecord {
  const merged: JsonRecord = { ...(isRecord(start) ? start : {}) };
  for (const [name, value] of Object.entries(isRecord(last) ? last : {})) if (value !== null) merged[name] = value;
  return merged;
}

/** Undefined where Anthropic told none. */
export function chatUsage(value: unknown): JsonRecord | undefined {
  const counts = countsOf(value);
  if (!counts) return undefined;
  return {
    prompt_tokens: counts.prompt,
    completion_tokens: counts.output,
    total_tokens: counts.prompt + counts.output,
    prompt_tokens_details: promptDetails(counts),
    completion_tokens_details: { reasoning_tokens: counts.thinking },
    ...serverTools(value),
  };
}

/** Undefined where Anthropic told none. */
export function responsesUsage(value: unknown): JsonRecord | undefined {
  const counts = countsOf(value);
  if (!counts) return undefined;
  return {
    input_tokens: counts.prompt,
    input_tokens_details: promptDetails(counts),
    output_tokens: counts.output,
    output_tokens_details: { reasoning_tokens: counts.thinking },
    total_tokens: counts.prompt + counts.output,
    ...serverTools(value),
  };
}

/** As OpenAI calls it; undefined where Anthropic did not say. */
export function serviceTier(usage: unknown): string | undefined {
  const tier = isRecord(usage) ? usage.service_tier : undefined;
  if (typeof tier !== 'string') return undefined;
  return tier === 'standard' ? 'default' : tier;
}

function countsOf(value: unknown): Counts | undefined {
  if (!isRecord(value) || typeof value.input_tokens !== 'number') return undefined;
  const cached = count(value.cache_read_input_tokens);
  const cacheWrite = count(value.cache_creation_input_tokens);
  return {
    prompt: count(value.input_tokens) + cached + cacheWrite,
    cached,
    cacheWrite,
    cacheWriteHour: count(member(value.cache_creation, 'ephemeral_1h_input_tokens')),
    output: count(value.output_tokens),
    thinking: count(member(value.output_tokens_details, 'thinking_tokens')),
  };
}

/** A write that is kept for an hour is named: a price list has no price for it, and what has none is told, never silent. */
function promptDetails({ cached, cacheWrite, cacheWriteHour }: Counts): JsonRecord {
  return {
    cached_tokens: cached,
    ...(cacheWrite > 0 && { cache_write_tokens: cacheWrite }),
    ...(cacheWriteHour > 0 && { cache_write_tokens_details: { cache_write_1h_tokens: cacheWriteHour } }),
  };
}

function serverTools(value: unknown): JsonRecord {
  const told = isRecord(value) ? value.server_tool_use : undefined;
  return isRecord(told) ? { server_tool_use: told } : {};
}

function member(value: unknown, name: string): unknown {
  return isRecord(value) ? value[name] : undefined;
}

function count(value: unknown): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : 0;
}
