import type { Receipt, TokenCounts } from '@tollgate/contracts';

/** English text has about four bytes a token; other scripts have fewer characters but about as many bytes. */
const bytesPerToken = 4;

/** What a call cost whose provider did not say: the prompt as admission saw it, the completion by what arrived. */
export function estimateTokens(receipt: Receipt | undefined, bodyBytes: number, seenTextBytes: number): TokenCounts {
  const admitted = receipt?.estimatedPromptTokens ?? 0;
  return {
    prompt: admitted > 0 ? admitted : Math.ceil(bodyBytes / bytesPerToken),
    completion: Math.ceil(seenTextBytes / bytesPerToken),
    cachedPrompt: 0,
    reasoning: 0,
  };
}
