import { z } from 'zod';
import { MODEL_NAME, MODEL_NAME_RULE } from '../model/patterns.ts';
import { object, whole } from './object.ts';

/** US dollars, exact to a nano-dollar. @param unit what they buy */
function dollars(unit: string) {
  return z
    .number(`must be a number of US dollars for ${unit}`)
    .min(0, 'must not be negative')
    .max(100_000, `must be US dollars for ${unit}, at most 100000`)
    .refine((value) => Math.abs(value * 1e9 - Math.round(value * 1e9)) < 1e-3, 'must have at most 9 decimals');
}

const perMillion = dollars('a million tokens');

/** One row of prices. It stands for itself: what it leaves out is never taken from another row. */
const tokenPrices = {
  prompt: perMillion,
  /** Default: as the prompt, never nothing. */
  cachedPrompt: perMillion.optional(),
  /** Without it such tokens are unpriced usage, as are the two kinds of audio. */
  cacheWrite: perMillion.optional(),
  completion: perMillion,
  /** Default: as the completion. */
  reasoning: perMillion.optional(),
  audioPrompt: perMillion.optional(),
  audioCompletion: perMillion.optional(),
};

/**
 * Prices all of a request, completion too, whose prompt is longer: so OpenAI (above 272,000 tokens) and Gemini (above
 * 200,000) document it, not only what is above the bound.
 */
const longContext = object({ abovePromptTokens: whole(1, 1_000_000_000), ...tokenPrices }).optional();

/** What providers call their own tools and tiers. */
const PROVIDER_NAME = /^[a-z][a-z0-9_-]{0,63}$/;
const PROVIDER_NAME_RULE = "must be 1 to 64 of a-z, 0-9, '_' and '-', with a letter in front";

/** Names that providers give to what the model's own row prices. */
const STANDARD_TIERS = ['default', 'auto', 'standard'];

const tierName = z
  .string()
  .regex(PROVIDER_NAME, PROVIDER_NAME_RULE)
  .refine((tier) => !STANDARD_TIERS.includes(tier), "is what the model's own prices are for");

const priceSchema = object({
  ...tokenPrices,
  /** By the provider's name of the tool: web_search, file_search, code_interpreter, image_generation. */
  toolCalls: z
    .record(z.string().regex(PROVIDER_NAME, PROVIDER_NAME_RULE), dollars('a thousand calls'))
    .optional()
    .describe('US dollars for a thousand calls, by tool'),
  longContext,
  /** By the `service_tier` that the answer names. */
  serviceTiers: z.record(tierName, object({ ...tokenPrices, longContext })).optional(),
});

/** Settings of the list itself; no model can have such a name here. */
const OWN_SETTINGS = ['file', 'fallback'];

const ownName = (key: string) => OWN_SETTINGS.includes(key) || MODEL_NAME.test(key);

function listOf<S extends z.ZodRawShape>(settings: S) {
  return z
    .object({ ...settings, fallback: priceSchema.optional() })
    .catchall(priceSchema)
    .superRefine((list, { addIssue }) => {
      for (const key of Object.keys(list)) {
        if (!ownName(key)) addIssue({ code: 'custom', path: [key], message: MODEL_NAME_RULE });
      }
    })
    .meta({
      description: 'US dollars for a million tokens, by base model',
      propertyNames: { pattern: MODEL_NAME.source },
    });
}

/** `priceList` of tollgate.yaml: prices by base model, what is unpriced otherwise, and a file with more of both. */
export const priceListSchema = listOf({
  file: z.string('must be the path of a file').min(1, 'must be the path of a file').max(1024).optional(),
});

/** The file that `priceList.file` names: the same but for `file`. */
export const priceFileSchema = listOf({ file: z.never('names a file inside a file: put all prices here').optional() });

export type FilePrice = z.output<typeof priceSchema>;

/** Every price that was given, wherever it stands. */
export interface PriceList {
  models: ReadonlyMap<string, FilePrice>;
  fallback: FilePrice | undefined;
}

/** @param lists what comes later wins, price by price */
export function mergePriceLists(
  ...lists: (z.output<typeof priceListSchema> | z.output<typeof priceFileSchema>)[]
): PriceList {
  const models = new Map<string, FilePrice>();
  let fallback: FilePrice | undefined;
  for (const { file: _file, fallback: own, ...prices } of lists) {
    for (const [model, price] of Object.entries(prices)) models.set(model, price as FilePrice);
    fallback = own ?? fallback;
  }
  return { models, fallback };
}
