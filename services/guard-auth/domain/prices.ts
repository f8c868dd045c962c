import { type ConfigSnapshot, costNanoUsd, type Price, type ResolvedModel } from '@tollgate/config';

interface Tokens {
  prompt: number;
  completion: number;
}

/** What an estimate costs at the dearest of the models that may serve it; of all models when nobody knows which may. */
export function estimatedCostNanoUsd(
  snapshot: ConfigSnapshot,
  resolved: ResolvedModel | undefined,
  tokens: Tokens,
): number {
  let highest = 0;
  for (const price of pricesOf(snapshot, resolved)) {
    highest = Math.max(highest, costNanoUsd(price, { ...tokens, cachedPrompt: 0 }));
  }
  return highest;
}

function pricesOf({ prices }: ConfigSnapshot, resolved: ResolvedModel | undefined): Price[] {
  const all = Object.values(prices);
  if (resolved === undefined || resolved.kind === 'unknown') return all;
  const targets = resolved.kind === 'rotation' ? resolved.targets : [resolved.target];
  const own = targets.flatMap(({ baseModel }) => prices[baseModel] ?? []);
  return own.length === targets.length ? own : all;
}
