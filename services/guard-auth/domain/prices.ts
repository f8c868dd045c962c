import {
  type ConfigSnapshot,
  costOf,
  type ModelPrice,
  modelPrice,
  modelPrices,
  type ResolvedModel,
} from '@tollgate/config';

interface Tokens {
  prompt: number;
  completion: number;
}

/**
 * What an estimate costs at the dearest of the models that may serve it, in its standard tier; of all models, and the
 * fallback price, when nobody knows which may.
 */
export function estimatedCostNanoUsd(
  snapshot: ConfigSnapshot,
  resolved: ResolvedModel | undefined,
  { prompt, completion }: Tokens,
): number {
  const tokens = { prompt, completion, cachedPrompt: 0, reasoning: 0 };
  let highest = 0;
  for (const price of pricesOf(snapshot, resolved)) {
    highest = Math.max(highest, costOf(price, { tokens, serviceTier: '', toolCalls: {} }).nanoUsd);
  }
  return highest;
}

function pricesOf(snapshot: ConfigSnapshot, resolved: ResolvedModel | undefined): ModelPrice[] {
  const all = () => modelPrices(snapshot);
  if (resolved === undefined || resolved.kind === 'unknown') return all();
  const targets = resolved.kind === 'rotation' ? resolved.targets : [resolved.target];
  const own = targets.flatMap(({ baseModel }) => modelPrice(snapshot, baseModel) ?? []);
  return own.length === targets.length ? own : all();
}
