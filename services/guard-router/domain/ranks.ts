import { type ConfigSnapshot, costOf, modelPrice } from '@tollgate/config';
import type { RouteCall } from '@tollgate/contracts';
import type { Plan } from './plan.ts';

/** What a request is expected to use. */
export interface Expected {
  promptTokens: number;
  completionTokens: number;
  /** Tokens as providers count them on their rates: what a request asks for, when it comes, not what it uses in the end. */
  countedTokens: number;
}

/** Of a pipeline that does not say: three tokens of prompt to one of completion, as price comparisons of models mix them. */
const mixed = { promptTokens: 750, completionTokens: 250 };

export function expectedOf({ promptTokens, completionTokens, outputTokensMax = 0 }: RouteCall): Expected {
  const prompt = promptTokens ?? mixed.promptTokens;
  const completion = completionTokens ?? mixed.completionTokens;
  // Azure OpenAI and OpenAI add the caller's limit to their count, however short the answer is.
  const countedTokens = prompt + (outputTokensMax > 0 ? outputTokensMax : completion);
  return { promptTokens: prompt, completionTokens: completion, countedTokens };
}

/** The lowest is tried first, equal ones take turns. By strategy: the place in the list, the cost in nano-dollars, or all the same. */
export function ranksOf(plan: Plan, snapshot: ConfigSnapshot, expected: Expected): number[] {
  if (plan.strategy === 'priority') return [...plan.targets.keys()];
  if (plan.strategy !== 'lowest-cost') return plan.targets.map(() => 0);
  const { promptTokens: prompt, completionTokens: completion } = expected;
  const usage = { tokens: { prompt, completion, cachedPrompt: 0, reasoning: 0 }, serviceTier: '', toolCalls: {} };
  return plan.targets.map(({ baseModel }) => {
    const price = modelPrice(snapshot, baseModel);
    // Without a price it is never called: upstream says so.
    return price === undefined ? Number.MAX_SAFE_INTEGER : costOf(price, usage).nanoUsd;
  });
}
