/** The tokens that one call was told it cost. */
export interface IssuedUsage {
  promptTokens: number;
  /** Parts of promptTokens, as the two following. */
  cachedTokens: number;
  cacheWriteTokens: number;
  audioPromptTokens: number;
  completionTokens: number;
  /** Parts of completionTokens, as the following. */
  reasoningTokens: number;
  audioCompletionTokens: number;
  totalTokens: number;
}

type Parts = Omit<IssuedUsage, 'totalTokens'>;

const NO_PARTS: Parts = {
  promptTokens: 0,
  cachedTokens: 0,
  cacheWriteTokens: 0,
  audioPromptTokens: 0,
  completionTokens: 0,
  reasoningTokens: 0,
  audioCompletionTokens: 0,
};

export function issuedUsage(parts: Partial<Parts>): IssuedUsage {
  const all = { ...NO_PARTS, ...parts };
  return { ...all, totalTokens: all.promptTokens + all.completionTokens };
}

export const NO_USAGE: IssuedUsage = issuedUsage({});

export function addUsage(a: IssuedUsage, b: IssuedUsage): IssuedUsage {
  const kinds = Object.keys(NO_PARTS) as (keyof Parts)[];
  return issuedUsage(Object.fromEntries(kinds.map((kind) => [kind, a[kind] + b[kind]])));
}

/** Told only where there are any: Azure's older models do not know the field. */
function cacheWrite({ cacheWriteTokens }: IssuedUsage): object {
  return cacheWriteTokens > 0 ? { cache_write_tokens: cacheWriteTokens } : {};
}

/** The `usage` of a chat completion. */
export function chatUsage(usage: IssuedUsage): object {
  return {
    completion_tokens: usage.completionTokens,
    completion_tokens_details: {
      accepted_prediction_tokens: 0,
      audio_tokens: usage.audioCompletionTokens,
      reasoning_tokens: usage.reasoningTokens,
      rejected_prediction_tokens: 0,
    },
    prompt_tokens: usage.promptTokens,
    prompt_tokens_details: {
      audio_tokens: usage.audioPromptTokens,
      cached_tokens: usage.cachedTokens,
      ...cacheWrite(usage),
    },
    total_tokens: usage.totalTokens,
  };
}

/** The `usage` of a Responses object. */
export function responseUsage(usage: IssuedUsage): object {
  const audio = (tokens: number) => (tokens > 0 ? { audio_tokens: tokens } : {});
  return {
    input_tokens: usage.promptTokens,
    input_tokens_details: {
      cached_tokens: usage.cachedTokens,
      ...cacheWrite(usage),
      ...audio(usage.audioPromptTokens),
    },
    output_tokens: usage.completionTokens,
    output_tokens_details: { reasoning_tokens: usage.reasoningTokens, ...audio(usage.audioCompletionTokens) },
    total_tokens: usage.totalTokens,
  };
}
