/** Figures of any group of requests. Tokens are billed ones unless they say `served`. */
export interface UsageSums {
  requests: number;
  /** promptTokens + completionTokens */
  tokens: number;
  promptTokens: number;
  completionTokens: number;
  /** Part of promptTokens. */
  cachedPromptTokens: number;
  /** Part of completionTokens. */
  reasoningTokens: number;
  servedPromptTokens: number;
  servedCompletionTokens: number;
  costNanoUsd: number;
  /** What cache hits would have cost. */
  savedNanoUsd: number;
  cacheHits: number;
  /** Failed, truncated or abandoned. */
  errors: number;
  /** Refused by a guardrail or a limit. */
  refused: number;
}

/** Sums over rows of {@link source}, named `s`. */
export const SUMS = `sum(s.requests) AS requests,
  sum(s.prompt_tokens) + sum(s.completion_tokens) AS tokens,
  sum(s.prompt_tokens) AS promptTokens, sum(s.completion_tokens) AS completionTokens,
  sum(s.cached_prompt_tokens) AS cachedPromptTokens, sum(s.reasoning_tokens) AS reasoningTokens,
  sum(s.served_prompt_tokens) AS servedPromptTokens, sum(s.served_completion_tokens) AS servedCompletionTokens,
  sum(s.cost_nano_usd) AS costNanoUsd, sum(s.saved_nano_usd) AS savedNanoUsd,
  sumIf(s.requests, s.cache_status = 'HIT') AS cacheHits,
  sumIf(s.requests, s.status IN ('failed', 'truncated', 'abandoned')) AS errors,
  sumIf(s.requests, s.status = 'refused') AS refused`;

export const NO_USAGE: Readonly<UsageSums> = {
  requests: 0,
  tokens: 0,
  promptTokens: 0,
  completionTokens: 0,
  cachedPromptTokens: 0,
  reasoningTokens: 0,
  servedPromptTokens: 0,
  servedCompletionTokens: 0,
  costNanoUsd: 0,
  savedNanoUsd: 0,
  cacheHits: 0,
  errors: 0,
  refused: 0,
};
