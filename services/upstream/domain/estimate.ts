import type { Receipt, TokenCounts } from '@tollgate/contracts';
import { isStrict } from './strict.ts';

/** English text has about four bytes a token; other scripts have fewer characters but about as many bytes. */
const bytesPerToken = 4;

/** What a call cost whose provider did not say: the prompt as admission saw it, the completion by what arrived. */
export function estimateTokens(receipt: Receipt | undefined, bodyBytes: number, seenTextBytes: number): TokenCounts {
  const admitted = receipt?.estimatedPromptTokens ?? 0;
  const seen = Math.ceil(seenTextBytes / bytesPerToken);
  return {
    prompt: admitted > 0 ? admitted : Math.ceil(bodyBytes / bytesPerToken),
    // The provider was told to write no more, and the tokens of some texts are longer.
    completion: isStrict(receipt) ? Math.min(seen, receipt.estimatedCompletionTokens) : seen,
    cachedPrompt: 0,
    reasoning: 0,
  };
}
