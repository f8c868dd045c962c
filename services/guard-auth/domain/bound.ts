import { type ConfigSnapshot, modelOf, type ResolvedModel, servesSurface } from '@tollgate/config';
import { type AuthCall, Surface, type Target } from '@tollgate/contracts';
import { TollgateError } from '@tollgate/errors';
import { dearestRates } from './prices.ts';
import type { Quantity } from './quantity.ts';

/** The most that a request under a strict limit can use, as far as its prompt and each token of its output go. */
export interface Bound {
  promptTokens: number;
  promptCostNanoUsd: number;
  /** Answers that are generated; 0: nothing is. */
  choices: number;
  /** Of one more token in each of the answers, rounded up. */
  tokenCostNanoUsd: number;
  /** Output tokens of each answer that the request is to have where there is room for them. */
  outputTokensMax: number;
  /** With fewer an answer is of no use. */
  outputTokensMin: number;
}

/** What a request reserves of a limit: `fixed`, and `unit` for each output token of an answer that it is granted. */
export interface BoundPart {
  fixed: number;
  unit: number;
}

/** `generates`: false on surfaces without output, such as embeddings. */
export type BoundInput = Pick<AuthCall, 'input' | 'outputTokensMax' | 'n'> & { generates: boolean };

/**
 * What a provider puts around the texts: the start of the reply (3 tokens), the frame of function definitions (16). A message
 * (4 tokens with its name), a function (7) and a member of an enum (3) cost less than the JSON around them has bytes, which
 * the body's size counts (OpenAI's cookbook, "How to count tokens with tiktoken"). The rest is room for what it does not say.
 */
const frameTokens = 64;
/**
 * Anthropic's, which puts a prompt of its own before tools: at most 530 tokens ("Tool use", pricing: Claude Opus 3 with
 * tool_choice auto), and room. That its tokens are bytes at least it does not say; what has been seen of them is.
 */
const anthropicFrameTokens = 640;
/** Callers without a limit of their own; every chat model that OpenAI offers can write as much. */
const outputTokensDefault = 4096;
/** The least that OpenAI takes as `max_output_tokens`. */
const outputTokensLeast = 16;

/**
 * A token is at least one byte of text in a vocabulary of bytes, as all of OpenAI's are, and JSON only makes a text longer: so
 * the prompt has no more tokens than the body has bytes, but for what stands elsewhere.
 *
 * @param promptCounts false where no limit counts the prompt: then images and files need no bound
 * @throws TollgateError `invalid_request` for input that has no bound; `guard_unavailable` when it was not told what it is
 */
export function boundOf(
  snapshot: ConfigSnapshot,
  resolved: ResolvedModel,
  call: BoundInput,
  promptCounts: boolean,
): Bound {
  const targets = targetsOf(resolved);
  const promptTokens = promptOf(snapshot, targets, call, promptCounts);
  const choices = Math.max(1, call.n);
  const rates = dearestRates(snapshot, resolved);
  const promptCostNanoUsd = Math.ceil((promptTokens * rates.prompt) / million);
  if (!call.generates) {
    const nothing = { choices: 0, tokenCostNanoUsd: 0, outputTokensMax: 0, outputTokensMin: 0 };
    return { promptTokens, promptCostNanoUsd, ...nothing };
  }
  const own = targets.map((target) => modelOf(snapshot, target)?.outputTokensMax ?? outputTokensDefault);
  const outputTokensMax = call.outputTokensMax || (own.length > 0 ? Math.min(...own) : outputTokensDefault);
  return {
    promptTokens,
    promptCostNanoUsd,
    choices,
    tokenCostNanoUsd: Math.ceil((choices * rates.completion) / million),
    outputTokensMax,
    outputTokensMin: Math.min(outputTokensMax, outputTokensLeast),
  };
}

const million = 1_000_000;

/** Models that search by themselves: what they find and read is part of no body. */
const searching = /search/;

function promptOf(snapshot: ConfigSnapshot, targets: Target[], { input }: BoundInput, promptCounts: boolean): number {
  if (input === undefined) throw new TollgateError('guard_unavailable', { internal: 'the input was not described' });
  const { textBytesMax, images, files, unbounded } = input;
  const searches = targets.find(({ baseModel }) => searching.test(baseModel));
  if (searches) throw boundless('model', `${searches.model} searches by itself`);
  if (unbounded !== '') throw boundless(unbounded, `"${unbounded}" stands for input or cost of any size`);
  const anthropic = targets.some((target) => servesSurface(snapshot, target, Surface.MESSAGES));
  const tokens = textBytesMax + (anthropic ? anthropicFrameTokens : frameTokens);
  if (!promptCounts) return tokens;
  const partsOf = (count: number, what: 'image' | 'file'): number => {
    if (count === 0) return 0;
    const bounds = targets.map((target) => modelOf(snapshot, target)?.[`${what}TokensMax`] ?? Number.POSITIVE_INFINITY);
    const most = Math.max(0, ...bounds);
    if (most === Number.POSITIVE_INFINITY) throw boundless('', `${what}s have no bound on this model`);
    return count * most;
  };
  return tokens + partsOf(images, 'image') + partsOf(files, 'file');
}

function targetsOf(resolved: ResolvedModel): Target[] {
  if (resolved.kind === 'rotation') return resolved.targets;
  return resolved.kind === 'named' ? [resolved.target] : [];
}

function boundless(param: string, why: string): TollgateError {
  return new TollgateError('invalid_request', {
    message: `A strict limit binds this request, and what it may use cannot be bounded: ${why}.`,
    param,
  });
}

/** The bound as a limit of this quantity sees it. */
export function boundPart(bound: Bound, quantity: Quantity): BoundPart {
  switch (quantity) {
    case 'tokens':
      return { fixed: bound.promptTokens, unit: bound.choices };
    case 'prompt_tokens':
      return { fixed: bound.promptTokens, unit: 0 };
    case 'completion_tokens':
      return { fixed: 0, unit: bound.choices };
    case 'cost_nano_usd':
      return { fixed: bound.promptCostNanoUsd, unit: bound.tokenCostNanoUsd };
    case 'requests':
    case 'concurrency':
      return { fixed: 1, unit: 0 };
  }
}
