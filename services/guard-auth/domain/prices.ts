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

/** Nano-dollars for a million tokens. */
export interface DearestRates {
  prompt: number;
  completion: number;
}

/**
 * The most that tokens of a text prompt and of its answer can cost: over all models that may serve it, their service tiers and
 * long contexts, and the kinds of tokens that a provider may make of them (cached, written to its cache, reasoning).
 */
export function dearestRates(snapshot: ConfigSnapshot, resolved: ResolvedModel | undefined): DearestRates {
  const dearest = { prompt: 0, completion: 0 };
  for (const { standard, tiers, fallbackTiers } of pricesOf(snapshot, resolved)) {
    for (const { row, long } of [standard, ...tiers.values(), ...fallbackTiers.values()]) {
      for (const { prompt, cachedPrompt, cacheWrite, completion, reasoning } of long ? [row, long.row] : [row]) {
        dearest.prompt = Math.max(dearest.prompt, prompt, cachedPrompt, cacheWrite);
        dearest.completion = Math.max(dearest.completion, completion, reasoning);
      }
    }
  }
  return dearest;
}

function pricesOf(snapshot: ConfigSnapshot, resolved: ResolvedModel | undefined): ModelPrice[] {
  const all = () => modelPrices(snapshot);
  if (resolved === undefined || resolved.kind === 'unknown') return all();
  const targets = resolved.kind === 'rotation' ? resolved.targets : [resolved.target];
  const own = targets.flatMap(({ baseModel }) => modelPrice(snapshot, baseModel) ?? []);
  return own.length === targets.length ? own : all();
}
