import type { FaultSpec } from '../azure/faults.ts';
import type { IssuedUsage } from '../azure/usage.ts';

/**
 * The `usage` of a message. `input_tokens` are those that the prompt cache had no part in: the whole prompt is the sum of the
 * three (docs, "Prompt caching").
 */
export function messageUsage(usage: IssuedUsage, fault: FaultSpec): Record<string, unknown> {
  return { ...inputUsage(usage), ...outputUsage(usage), ...serviceTier(fault), ...serverTools(fault) };
}

/** As `message_start` tells it: nearly nothing is written yet. */
export function startUsage(usage: IssuedUsage, fault: FaultSpec): Record<string, unknown> {
  return { ...inputUsage(usage), output_tokens: 1, ...serviceTier(fault) };
}

/** As `message_delta` tells it, cumulative. */
export function deltaUsage(usage: IssuedUsage, fault: FaultSpec): Record<string, unknown> {
  const { cache_creation: _kinds, ...input } = inputUsage(usage);
  return { ...input, ...outputUsage(usage), ...serverTools(fault) };
}

function inputUsage({ promptTokens, cachedTokens, cacheWriteTokens }: IssuedUsage) {
  return {
    input_tokens: Math.max(0, promptTokens - cachedTokens - cacheWriteTokens),
    cache_creation_input_tokens: cacheWriteTokens,
    cache_read_input_tokens: cachedTokens,
    cache_creation: { ephemeral_5m_input_tokens: cacheWriteTokens, ephemeral_1h_input_tokens: 0 },
  };
}

/** Thoughts are told apart where there are some. */
function outputUsage({ completionTokens, reasoningTokens }: IssuedUsage) {
  const details = reasoningTokens > 0 && { output_tokens_details: { thinking_tokens: reasoningTokens } };
  return { output_tokens: completionTokens, ...details };
}

function serviceTier({ serviceTier: tier = 'standard' }: FaultSpec) {
  return { service_tier: tier };
}

function serverTools({ toolCalls = {} }: FaultSpec) {
  const told = Object.entries(toolCalls).map(([tool, calls]) => [`${tool}_requests`, calls]);
  return told.length === 0 ? {} : { server_tool_use: Object.fromEntries(told) };
}
