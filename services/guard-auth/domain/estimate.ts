/** What a request is assumed to use, until its usage is known. */
export interface Estimate {
  promptTokens: number;
  completionTokens: number;
  /** True: from what such requests use; false: the caller's own limit, which the provider enforces. */
  guessed: boolean;
}

export interface EstimateInput {
  bodyBytes: number;
  /** The caller's limit on output tokens; 0 = none. */
  outputTokensMax: number;
  /** Answers asked for; 0 = one. */
  choices: number;
  /** False on surfaces that generate nothing, such as embeddings. */
  generates: boolean;
  /** Completion tokens of measured requests to the same model; undefined before there are enough. */
  completionTokensMean: number | undefined;
}

/**
 * English text has about four characters a token (OpenAI, "What are tokens and how to count them?"). JSON around the
 * texts makes this estimate rather too high, other scripts rather too low; settling corrects both.
 */
const bytesPerToken = 4;
/** Without a limit of the caller and without measurements: a long answer of a chat, three pages. */
const completionTokensDefault = 1024;
/** Room above the mean: reserving only the mean would be too little for almost every second request. */
const meanFactor = 2;

export function estimateTokens(input: EstimateInput): Estimate {
  const promptTokens = Math.ceil(input.bodyBytes / bytesPerToken);
  if (!input.generates) return { promptTokens, completionTokens: 0, guessed: false };
  const asked = input.outputTokensMax > 0 ? input.outputTokensMax : Number.POSITIVE_INFINITY;
  const mean = input.completionTokensMean;
  const usual = mean === undefined ? (input.outputTokensMax > 0 ? asked : completionTokensDefault) : mean * meanFactor;
  const each = Math.ceil(Math.min(asked, usual));
  return { promptTokens, completionTokens: each * Math.max(1, input.choices), guessed: each < asked };
}
