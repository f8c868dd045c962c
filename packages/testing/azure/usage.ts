/** The tokens that one call was told it cost. */
export interface IssuedUsage {
  promptTokens: number;
  /** Part of promptTokens. */
  cachedTokens: number;
  completionTokens: number;
  /** Part of completionTokens. */
  reasoningTokens: number;
  totalTokens: number;
}

export function issuedUsage(parts: Omit<IssuedUsage, 'totalTokens'>): IssuedUsage {
  return { ...parts, totalTokens: parts.promptTokens + parts.completionTokens };
}

export const NO_USAGE: IssuedUsage = {
  promptTokens: 0,
  cachedTokens: 0,
  completionTokens: 0,
  reasoningTokens: 0,
  totalTokens: 0,
};

export function addUsage(a: IssuedUsage, b: IssuedUsage): IssuedUsage {
  return issuedUsage({
    promptTokens: a.promptTokens + b.promptTokens,
    cachedTokens: a.cachedTokens + b.cachedTokens,
    completionTokens: a.completionTokens + b.completionTokens,
    reasoningTokens: a.reasoningTokens + b.reasoningTokens,
  });
}

/** The `usage` of a chat completion. */
export function chatUsage(usage: IssuedUsage): object {
  return {
    completion_tokens: usage.completionTokens,
    completion_tokens_details: {
      accepted_prediction_tokens: 0,
      audio_tokens: 0,
      reasoning_tokens: usage.reasoningTokens,
      rejected_prediction_tokens: 0,
    },
    prompt_tokens: usage.promptTokens,
    prompt_tokens_details: { audio_tokens: 0, cached_tokens: usage.cachedTokens },
    total_tokens: usage.totalTokens,
  };
}

/** The `usage` of a Responses object. */
export function responseUsage(usage: IssuedUsage): object {
  return {
    input_tokens: usage.promptTokens,
    input_tokens_details: { cached_tokens: usage.cachedTokens },
    output_tokens: usage.completionTokens,
    output_tokens_details: { reasoning_tokens: usage.reasoningTokens },
    total_tokens: usage.totalTokens,
  };
}
