import type { TokenCounts } from '@tollgate/contracts';
import type { Price } from './snapshot.ts';

const TOKENS_OF_PRICE = 1_000_000n;

/**
 * What these tokens cost, nano-dollars, rounded half up once, at the end. Cached prompt tokens are part of the prompt,
 * reasoning tokens of the completion. At most Number.MAX_SAFE_INTEGER (9 million dollars).
 */
export function costNanoUsd(price: Price, tokens: Pick<TokenCounts, 'prompt' | 'completion' | 'cachedPrompt'>): number {
  const cached = Math.min(tokens.cachedPrompt, tokens.prompt);
  const total =
    BigInt(tokens.prompt - cached) * BigInt(price.promptNanoPerMillion) +
    BigInt(cached) * BigInt(price.cachedPromptNanoPerMillion) +
    BigInt(tokens.completion) * BigInt(price.completionNanoPerMillion);
  const rounded = (total + TOKENS_OF_PRICE / 2n) / TOKENS_OF_PRICE;
  return Math.min(Number(rounded), Number.MAX_SAFE_INTEGER);
}
