import type { ConfigSnapshot, Price } from './snapshot.ts';

/** Nano-dollars for a million tokens of each kind, none of them missing. */
export interface PriceRow {
  prompt: number;
  cachedPrompt: number;
  cacheWrite: number;
  audioPrompt: number;
  completion: number;
  reasoning: number;
  audioCompletion: number;
  /** Of the kinds without a price of their own: false. */
  priced: { cacheWrite: boolean; audioPrompt: boolean; audioCompletion: boolean };
}

interface PriceTier {
  row: PriceRow;
  /** For the whole of a request with more prompt tokens than this. */
  long: { abovePromptTokens: number; row: PriceRow } | undefined;
}

/** Everything that a base model's usage can cost, ready to be multiplied. */
export interface ModelPrice {
  /** The model has no price of its own. */
  isFallback: boolean;
  standard: PriceTier;
  tiers: ReadonlyMap<string, PriceTier>;
  fallbackTiers: ReadonlyMap<string, PriceTier>;
  /** Nano-dollars for a thousand calls, as the two following. */
  toolCalls: ReadonlyMap<string, number>;
  fallbackToolCalls: ReadonlyMap<string, number>;
  /** Of a tool that neither knows. */
  unknownToolCall: number;
}

/**
 * Nobody knows what an unknown tool costs, but not nothing: 25 dollars for a thousand calls, the dearest call that OpenAI's
 * price list has (web search preview with models that do not reason, https://openai.com/api/pricing, Tools).
 */
const unknownToolCallNanoPerThousand = 25_000_000_000;

interface Compiled {
  models: ReadonlyMap<string, ModelPrice>;
  fallback: ModelPrice | undefined;
}

/** Compiled once a snapshot, gone with it. */
const compiled = new WeakMap<ConfigSnapshot, Compiled>();

/** What usage of this base model costs; undefined when it has no price and no fallback was declared. */
export function modelPrice(snapshot: ConfigSnapshot, baseModel: string): ModelPrice | undefined {
  const { models, fallback } = compiledOf(snapshot);
  return models.get(baseModel) ?? fallback;
}

/** The prices of all base models that are offered, the fallback too where there is one. */
export function modelPrices(snapshot: ConfigSnapshot): ModelPrice[] {
  const { models, fallback } = compiledOf(snapshot);
  return fallback === undefined ? [...models.values()] : [...models.values(), fallback];
}

function compiledOf(snapshot: ConfigSnapshot): Compiled {
  const found = compiled.get(snapshot);
  if (found !== undefined) return found;
  const { prices, fallbackPrice } = snapshot;
  const own = Object.entries(prices).map(([model, price]) => [model, compile(price, fallbackPrice, false)] as const);
  const made = { models: new Map(own), fallback: fallbackPrice && compile(fallbackPrice, fallbackPrice, true) };
  compiled.set(snapshot, made);
  return made;
}

type Row = Omit<Price, 'toolCallsNanoPerThousand' | 'longContext' | 'serviceTiers'>;
type Tier = Omit<Price, 'toolCallsNanoPerThousand' | 'serviceTiers'>;

function compile(price: Price, fallback: Price | undefined, isFallback: boolean): ModelPrice {
  return {
    isFallback,
    standard: compileTier(price, fallback),
    tiers: compileTiers(price, fallback),
    fallbackTiers: fallback === undefined ? new Map() : compileTiers(fallback, fallback),
    toolCalls: new Map(Object.entries(price.toolCallsNanoPerThousand ?? {})),
    fallbackToolCalls: new Map(Object.entries(fallback?.toolCallsNanoPerThousand ?? {})),
    unknownToolCall: unknownToolCallNanoPerThousand,
  };
}

function compileTiers({ serviceTiers = {} }: Price, fallback: Price | undefined): ReadonlyMap<string, PriceTier> {
  return new Map(Object.entries(serviceTiers).map(([name, tier]) => [name, compileTier(tier, fallback)]));
}

function compileTier({ longContext, ...row }: Tier, fallback: Price | undefined): PriceTier {
  const long = longContext && {
    abovePromptTokens: longContext.abovePromptTokens,
    row: compileRow(longContext, fallback),
  };
  return { row: compileRow(row, fallback), long };
}

function compileRow(row: Row, fallback: Row | undefined): PriceRow {
  const { promptNanoPerMillion: prompt, completionNanoPerMillion: completion } = row;
  return {
    prompt,
    cachedPrompt: row.cachedPromptNanoPerMillion,
    cacheWrite: row.cacheWriteNanoPerMillion ?? fallback?.cacheWriteNanoPerMillion ?? prompt,
    audioPrompt: row.audioPromptNanoPerMillion ?? fallback?.audioPromptNanoPerMillion ?? prompt,
    completion,
    reasoning: row.reasoningNanoPerMillion ?? completion,
    audioCompletion: row.audioCompletionNanoPerMillion ?? fallback?.audioCompletionNanoPerMillion ?? completion,
    priced: {
      cacheWrite: row.cacheWriteNanoPerMillion !== undefined,
      audioPrompt: row.audioPromptNanoPerMillion !== undefined,
      audioCompletion: row.audioCompletionNanoPerMillion !== undefined,
    },
  };
}
