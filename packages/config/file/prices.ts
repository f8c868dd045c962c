import { createHash } from 'node:crypto';
import type { Price } from '../model/snapshot.ts';
import type { FilePrice } from './price-list.ts';

const NANO = 1e9;

type Prices = Record<string, Price>;
type Row = Omit<FilePrice, 'toolCalls' | 'longContext' | 'serviceTiers'>;
type Tier = NonNullable<FilePrice['serviceTiers']>[string];

/** A price in nano-dollars, defaults filled in. What was not given has no member: it is unpriced. */
export function toPrice({ toolCalls, serviceTiers, ...row }: FilePrice): Price {
  return {
    ...toTier(row),
    ...(toolCalls && { toolCallsNanoPerThousand: mapValues(toolCalls, toNano) }),
    ...(serviceTiers && { serviceTiers: mapValues(serviceTiers, toTier) }),
  };
}

function toTier({ longContext, ...row }: Tier) {
  if (longContext === undefined) return toRow(row);
  const { abovePromptTokens, ...long } = longContext;
  return { ...toRow(row), longContext: { abovePromptTokens, ...toRow(long) } };
}

function toRow({
  prompt,
  cachedPrompt = prompt,
  cacheWrite,
  completion,
  reasoning,
  audioPrompt,
  audioCompletion,
}: Row) {
  return {
    promptNanoPerMillion: toNano(prompt),
    cachedPromptNanoPerMillion: toNano(cachedPrompt),
    ...(cacheWrite !== undefined && { cacheWriteNanoPerMillion: toNano(cacheWrite) }),
    completionNanoPerMillion: toNano(completion),
    ...(reasoning !== undefined && { reasoningNanoPerMillion: toNano(reasoning) }),
    ...(audioPrompt !== undefined && { audioPromptNanoPerMillion: toNano(audioPrompt) }),
    ...(audioCompletion !== undefined && { audioCompletionNanoPerMillion: toNano(audioCompletion) }),
  };
}

/** US dollars as nano-dollars. */
export function toNano(dollars: number): number {
  return Math.round(dollars * NANO);
}

function mapValues<A, B>(record: Record<string, A>, map: (value: A) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, map(value)]));
}

/** The same prices in another order are the same version. */
export function versionOf(prices: Prices, fallback: Price | undefined): string {
  const text = JSON.stringify(sorted(fallback === undefined ? { prices } : { prices, fallback }));
  return createHash('sha256').update(text).digest('hex').slice(0, 12);
}

function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  return Object.entries(value)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, part]) => [name, sorted(part)]);
}
