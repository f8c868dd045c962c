import type { TokenCounts } from '@tollgate/contracts';
import type { ModelPrice, PriceRow } from './model-price.ts';

/** What one call to a provider is billed for. */
export interface Usage {
  tokens: TokenCounts;
  /** As the answer names it; empty: none named, which is the standard one. */
  serviceTier: string;
  /** Calls of the provider's own tools, by tool. */
  toolCalls: Readonly<Record<string, number>>;
}

export interface Cost {
  /** Whole nano-dollars, at most Number.MAX_SAFE_INTEGER (9 million dollars). */
  nanoUsd: number;
  /**
   * What has no price of its own and was charged by the fallback, else as ordinary tokens of its side: `model`,
   * `service_tier.<tier>`, `long_context`, `cache_write_tokens`, `audio_prompt_tokens`, `audio_completion_tokens`,
   * `tool_calls.<tool>`.
   */
  unpriced: readonly string[];
}

const nothing: readonly string[] = Object.freeze([]);
const standardTiers: ReadonlySet<string> = new Set(['', 'default', 'auto', 'standard']);

/**
 * What a call costs, rounded half up to a nano-dollar once, at the end. Each token is charged once: cached, cache-write and
 * audio tokens are parts of the prompt, reasoning and audio tokens of the completion. Where a provider's parts are more
 * than the whole, audio goes first, then cache writes or reasoning, then cached tokens.
 */
export function costOf(price: ModelPrice, { tokens, serviceTier, toolCalls }: Usage): Cost {
  const unpriced: string[] = [];
  if (price.isFallback) unpriced.push('model');
  const row = rowOf(price, serviceTier, tokens.prompt, unpriced);
  const sum = new ExactSum();
  addTokens(sum, row, tokens, unpriced);
  for (const tool in toolCalls) addToolCalls(sum, price, tool, toolCalls[tool] ?? 0, unpriced);
  return { nanoUsd: sum.rounded(), unpriced: unpriced.length === 0 ? nothing : unpriced };
}

function rowOf(price: ModelPrice, serviceTier: string, promptTokens: number, unpriced: string[]): PriceRow {
  const tier = standardTiers.has(serviceTier) ? price.standard : price.tiers.get(serviceTier);
  if (tier === undefined) unpriced.push(`service_tier.${serviceTier}`);
  const { row, long } = tier ?? price.fallbackTiers.get(serviceTier) ?? price.standard;
  if (long !== undefined) return promptTokens > long.abovePromptTokens ? long.row : row;
  const standardLong = price.standard.long;
  if (standardLong === undefined || promptTokens <= standardLong.abovePromptTokens) return row;
  unpriced.push('long_context');
  return standardLong.row;
}

function addTokens(sum: ExactSum, row: PriceRow, tokens: TokenCounts, unpriced: string[]): void {
  const {
    prompt,
    completion,
    cachedPrompt,
    reasoning,
    cacheWritePrompt = 0,
    audioPrompt = 0,
    audioCompletion = 0,
  } = tokens;
  const audioIn = Math.min(audioPrompt, prompt);
  const written = Math.min(cacheWritePrompt, prompt - audioIn);
  const cached = Math.min(cachedPrompt, prompt - audioIn - written);
  const audioOut = Math.min(audioCompletion, completion);
  const reasoned = Math.min(reasoning, completion - audioOut);
  if (audioIn > 0 && !row.priced.audioPrompt) unpriced.push('audio_prompt_tokens');
  if (written > 0 && !row.priced.cacheWrite) unpriced.push('cache_write_tokens');
  if (audioOut > 0 && !row.priced.audioCompletion) unpriced.push('audio_completion_tokens');
  sum.add(prompt - audioIn - written - cached, row.prompt);
  sum.add(cached, row.cachedPrompt);
  sum.add(written, row.cacheWrite);
  sum.add(audioIn, row.audioPrompt);
  sum.add(completion - audioOut - reasoned, row.completion);
  sum.add(reasoned, row.reasoning);
  sum.add(audioOut, row.audioCompletion);
}

function addToolCalls(sum: ExactSum, price: ModelPrice, tool: string, calls: number, unpriced: string[]): void {
  if (calls === 0) return;
  const own = price.toolCalls.get(tool);
  if (own === undefined) unpriced.push(`tool_calls.${tool}`);
  sum.add(calls, own ?? price.fallbackToolCalls.get(tool) ?? price.unknownToolCall, callsInMillionths);
}

const million = 1_000_000;
/** Calls are priced by the thousand, tokens by the million. */
const callsInMillionths = 1000;

/**
 * A sum of counts times rates for a million, exact whatever their size. Rates are at most 10^14 (100,000 dollars) and counts
 * safe integers, so a product can pass 2^53: while the sum in floating point is at most 2^53 − 1 every product and every
 * partial sum was a safe integer, for a larger one would have been rounded to 2^53 at least. Above that it is summed anew
 * as BigInt, which takes microseconds instead of nanoseconds and no ordinary request needs.
 */
class ExactSum {
  #sum = 0;
  readonly #terms: number[] = [];

  add(count: number, rate: number, factor = 1): void {
    if (count === 0) return;
    this.#sum += count * rate * factor;
    this.#terms.push(count, rate, factor);
  }

  /** Millionths of the sum, rounded half up, at most Number.MAX_SAFE_INTEGER. */
  rounded(): number {
    if (this.#sum > Number.MAX_SAFE_INTEGER) return this.#roundedLarge();
    const rest = this.#sum % million;
    return (this.#sum - rest) / million + (rest * 2 >= million ? 1 : 0);
  }

  #roundedLarge(): number {
    let sum = 0n;
    for (let at = 0; at < this.#terms.length; at += 3) {
      const [count = 0, rate = 0, factor = 0] = this.#terms.slice(at, at + 3);
      sum += BigInt(count) * BigInt(rate) * BigInt(factor);
    }
    const rounded = (sum + BigInt(million / 2)) / BigInt(million);
    return Math.min(Number(rounded), Number.MAX_SAFE_INTEGER);
  }
}
