import type { Receipt, TokenCounts, UsageEvent } from '@tollgate/contracts';

/** A strict limit binds the request: its receipt's estimates are what one attempt can use at most. */
export function isStrict(receipt: Receipt | undefined): receipt is Receipt {
  return receipt?.outputTokensMax !== undefined;
}

/** What one attempt can use at most. */
export function boundTokens({ estimatedPromptTokens, estimatedCompletionTokens }: Receipt): TokenCounts {
  return { prompt: estimatedPromptTokens, completion: estimatedCompletionTokens, cachedPrompt: 0, reasoning: 0 };
}

/**
 * How many attempts the reservation must hold for another one: those that were charged, and it. 0: it does already, as there is
 * no strict limit or the attempts before it cost nothing.
 */
export function extensionFor({ receipt, attempts }: UsageEvent): number {
  if (!isStrict(receipt)) return 0;
  const charged = chargedOf(attempts);
  return charged > (receipt.extensions ?? 0) ? charged + 1 : 0;
}

/** Under any limit: how many attempts the reservation must hold for two calls side by side, those that were charged and both. */
export function extensionBeside({ attempts }: UsageEvent): number {
  return chargedOf(attempts) + 2;
}

function chargedOf(attempts: UsageEvent['attempts']): number {
  return attempts.filter(({ tokens }) => (tokens?.prompt ?? 0) + (tokens?.completion ?? 0) > 0).length;
}
