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
  /** What nine of ten measured requests to the same model used at most; undefined before there are enough. */
  measured: { completionTokens: number | undefined; promptTokensPerByte: number | undefined };
}

/**
 * Without measurements: English text has about four characters a token (OpenAI, "What are tokens and how to count them?").
 * JSON around the texts makes this estimate rather too high, other scripts rather too low; settling corrects both.
 */
const promptTokensPerByteDefault = 1 / 4;
/** Without a limit of the caller and without measurements: a long answer of a chat, three pages. */
const completionTokensDefault = 1024;

export function estimateTokens(input: EstimateInput): Estimate {
  const { bodyBytes, generates, outputTokensMax, measured } = input;
  const promptTokens = Math.ceil(bodyBytes * (measured.promptTokensPerByte ?? promptTokensPerByteDefault));
  if (!generates) return { promptTokens, completionTokens: 0, guessed: false };
  const asked = outputTokensMax > 0 ? outputTokensMax : Number.POSITIVE_INFINITY;
  const usual = measured.completionTokens ?? (outputTokensMax > 0 ? asked : completionTokensDefault);
  const each = Math.ceil(Math.min(asked, usual));
  return { promptTokens, completionTokens: each * Math.max(1, input.choices), guessed: each < asked };
}
