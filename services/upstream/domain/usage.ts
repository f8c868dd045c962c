import type { TokenCounts } from '@tollgate/contracts';

export const noTokens: Readonly<TokenCounts> = Object.freeze({
  prompt: 0,
  completion: 0,
  cachedPrompt: 0,
  reasoning: 0,
});

/** What a provider's `usage` said, normalised. */
export interface MeasuredUsage {
  tokens: TokenCounts;
  /** Members with tokens that the price list has no price for, e.g. `audio_tokens`: an alert, never silence. */
  unpriced: string[];
}

/** Details that are part of prompt or completion and cost what those cost. */
const pricedDetails = new Set([
  'cached_tokens',
  'reasoning_tokens',
  'text_tokens',
  'accepted_prediction_tokens',
  'rejected_prediction_tokens',
]);

/**
 * Reads `usage` of chat (prompt_tokens, …) and of responses (input_tokens, …). Undefined when it is missing or its
 * figures are none: then the caller estimates.
 */
export function readUsage(value: unknown): MeasuredUsage | undefined {
  const usage = record(value);
  const prompt = count(usage.prompt_tokens ?? usage.input_tokens);
  const completion = count(usage.completion_tokens ?? usage.output_tokens ?? 0);
  if (prompt === undefined || completion === undefined) return undefined;
  const promptDetails = record(usage.prompt_tokens_details ?? usage.input_tokens_details);
  const completionDetails = record(usage.completion_tokens_details ?? usage.output_tokens_details);
  const cachedPrompt = Math.min(count(promptDetails.cached_tokens) ?? 0, prompt);
  const reasoning = Math.min(count(completionDetails.reasoning_tokens) ?? 0, completion);
  return {
    tokens: { prompt, completion, cachedPrompt, reasoning },
    unpriced: [...unpriced(promptDetails), ...unpriced(completionDetails)],
  };
}

function unpriced(details: Record<string, unknown>): string[] {
  return Object.keys(details).filter((name) => !pricedDetails.has(name) && (count(details[name]) ?? 0) > 0);
}

export function addTokens(a: TokenCounts, b: TokenCounts): TokenCounts {
  return {
    prompt: a.prompt + b.prompt,
    completion: a.completion + b.completion,
    cachedPrompt: a.cachedPrompt + b.cachedPrompt,
    reasoning: a.reasoning + b.reasoning,
  };
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function count(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}
