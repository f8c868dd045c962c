import type { Usage } from '@tollgate/config';
import { Surface, type TokenCounts } from '@tollgate/contracts';
import { chatToolCalls, responseToolCalls, toldToolCalls } from './tool-calls.ts';

export const noTokens: Readonly<TokenCounts> = Object.freeze({
  prompt: 0,
  completion: 0,
  cachedPrompt: 0,
  reasoning: 0,
});

/** What an answer says of its cost outside of its `usage`. */
export type Beside = Pick<Usage, 'serviceTier' | 'toolCalls'>;

export const nothingBeside: Beside = Object.freeze({ serviceTier: '', toolCalls: Object.freeze({}) });

/** What a provider's answer said of its usage, normalised. */
export interface MeasuredUsage extends Usage {
  /** Members with tokens that this build does not know, e.g. `image_tokens`: an alert, never silence. */
  unknown: readonly string[];
}

/** Details that are read below, or that are part of prompt or completion and cost what those cost. */
const knownDetails = new Set([
  'cached_tokens',
  'cache_write_tokens',
  'audio_tokens',
  'reasoning_tokens',
  'text_tokens',
  'accepted_prediction_tokens',
  'rejected_prediction_tokens',
  // Of cache_write_tokens_details: what a cache write is without further ado.
  'ttl_30m_tokens',
]);

/**
 * Reads `usage` of chat (prompt_tokens, …) and of responses (input_tokens, …), with their details as OpenAI's API reference
 * has them. Undefined when it is missing or its figures are none: then the caller estimates.
 */
export function readUsage(value: unknown, { serviceTier, toolCalls }: Beside): MeasuredUsage | undefined {
  const usage = record(value);
  const prompt = count(usage.prompt_tokens ?? usage.input_tokens);
  const completion = count(usage.completion_tokens ?? usage.output_tokens ?? 0);
  if (prompt === undefined || completion === undefined) return undefined;
  const promptDetails = record(usage.prompt_tokens_details ?? usage.input_tokens_details);
  const completionDetails = record(usage.completion_tokens_details ?? usage.output_tokens_details);
  const part = (details: Record<string, unknown>, name: string, whole: number) =>
    Math.min(count(details[name]) ?? 0, whole);
  const tokens: TokenCounts = {
    prompt,
    completion,
    cachedPrompt: part(promptDetails, 'cached_tokens', prompt),
    reasoning: part(completionDetails, 'reasoning_tokens', completion),
  };
  setSome(tokens, 'cacheWritePrompt', part(promptDetails, 'cache_write_tokens', prompt));
  setSome(tokens, 'audioPrompt', part(promptDetails, 'audio_tokens', prompt));
  setSome(tokens, 'audioCompletion', part(completionDetails, 'audio_tokens', completion));
  return {
    tokens,
    serviceTier,
    toolCalls:
      usage.server_tool_use === undefined ? toolCalls : { ...toolCalls, ...toldToolCalls(usage.server_tool_use) },
    unknown: [...unknown(promptDetails), ...unknown(completionDetails)],
  };
}

/** The usage of a whole answer of chat or responses, read with what stands beside it. */
export function readAnswerUsage(surface: Surface, answer: Record<string, unknown>): MeasuredUsage | undefined {
  return readUsage(answer.usage, readBeside(surface, answer));
}

/** What a whole answer, or as much as there is of it, says outside of its usage. */
export function readBeside(surface: Surface, answer: Record<string, unknown>): Beside {
  const toolCalls =
    surface === Surface.RESPONSES ? responseToolCalls(answer.output, answer.tool_usage) : chatToolCalls(answer.choices);
  return { serviceTier: readServiceTier(answer.service_tier), toolCalls };
}

/** Names of tiers become values of a column: what is none in its form is told as `other`. */
export function readServiceTier(value: unknown): string {
  if (typeof value !== 'string' || value === '') return '';
  return /^[a-z][a-z0-9_-]{0,63}$/.test(value) ? value : 'other';
}

/** Names are the provider's: of those that could be anything the ledger and the logs hear only that there were some. */
function unknown(details: Record<string, unknown>): string[] {
  return Object.entries(details).flatMap(([name, value]) => {
    if (knownDetails.has(name)) return [];
    if (typeof value === 'object') return unknown(record(value));
    if ((count(value) ?? 0) === 0) return [];
    return /^[a-z][a-z0-9_]{0,63}$/.test(name) ? name : 'other_tokens';
  });
}

const optionalKinds = ['cacheWritePrompt', 'audioPrompt', 'audioCompletion'] as const;

export function addTokens(a: TokenCounts, b: TokenCounts): TokenCounts {
  const sum: TokenCounts = {
    prompt: a.prompt + b.prompt,
    completion: a.completion + b.completion,
    cachedPrompt: a.cachedPrompt + b.cachedPrompt,
    reasoning: a.reasoning + b.reasoning,
  };
  for (const kind of optionalKinds) setSome(sum, kind, (a[kind] ?? 0) + (b[kind] ?? 0));
  return sum;
}

/** Rare kinds are left out where there are none, on the wire too. */
export function setSome(tokens: TokenCounts, kind: (typeof optionalKinds)[number], value: number): void {
  if (value > 0) tokens[kind] = value;
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

/** A number of tokens; undefined for what is none. */
export function count(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}
