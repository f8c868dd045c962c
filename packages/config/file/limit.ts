import { z } from 'zod';
import { MODEL_NAME, MODEL_NAME_RULE } from '../model/patterns.ts';
import { hasThresholds } from '../model/thresholds.ts';
import { isTimeZone } from '../model/time-zone.ts';
import { parseWindow, WINDOW_RULE } from '../model/window.ts';
import { choice, onlyFalse } from './not-enforced.ts';
import { object, whole } from './object.ts';
import { thresholdsSchema } from './thresholds.ts';

const most = whole(1, 1_000_000_000_000);

/** Exact to a nano-dollar; counters hold nano-dollars as whole numbers, which end at 9,007,199 dollars. */
const dollars = z
  .number('must be a number of US dollars')
  .min(1e-9, 'must be at least 0.000000001 US dollars')
  .max(9_000_000, 'must be at most 9000000 US dollars')
  .refine((value) => Math.abs(value * 1e9 - Math.round(value * 1e9)) < 1e-3, 'must have at most 9 decimals');

/** What a limit may count, by its name in the file; a limit has exactly one. */
const LIMIT_QUANTITIES = ['tokens', 'promptTokens', 'completionTokens', 'costUsd', 'requests', 'concurrency'] as const;

type LimitQuantity = (typeof LIMIT_QUANTITIES)[number];

/** Whom a limit counts apart. Names of metadata become parts of keys. */
const PER = /^(?:key|user|metadata\.[A-Za-z0-9_-]{1,64})$/;

const ONE_QUANTITY = `must have exactly one of ${LIMIT_QUANTITIES.join(', ')}`;

/** One limit of a team, a project or the organization. */
const limitSchema = object({
  tokens: most.optional(),
  promptTokens: most.optional(),
  completionTokens: most.optional(),
  costUsd: dollars.optional(),
  requests: most.optional(),
  concurrency: whole(1, 1_000_000).optional(),
  window: z
    .string({ error: WINDOW_RULE })
    .refine((window) => parseWindow(window) !== undefined, WINDOW_RULE)
    .optional(),
  models: z
    .array(z.string().regex(MODEL_NAME, MODEL_NAME_RULE))
    .min(1, 'must list at least one model; leave it out for all')
    .max(32, 'must list at most 32 models')
    .optional(),
  per: z
    .string()
    .regex(PER, 'must be key, user, or metadata. and a name of 1 to 64 of A-Z, a-z, 0-9, _ and -')
    .optional(),
  valuesMax: whole(1, 5000).optional(),
  mode: choice(['hard', 'soft', 'shadow'], ['strict']).default('hard'),
  rolling: onlyFalse(),
  timeZone: z
    .string()
    .refine(isTimeZone, 'must be UTC or a time zone of the IANA database such as Europe/Berlin')
    .default('UTC'),
  thresholds: thresholdsSchema.optional(),
  onStoreFailure: choice(['refuse'], ['allow-within-share']).optional(),
})
  .refine((limit) => LIMIT_QUANTITIES.filter((quantity) => limit[quantity] !== undefined).length === 1, ONE_QUANTITY)
  .refine(({ concurrency, window }) => concurrency !== undefined || window !== undefined, {
    path: ['window'],
    error: `is missing: ${WINDOW_RULE}`,
  })
  .refine(({ concurrency, window }) => concurrency === undefined || window === undefined, {
    path: ['window'],
    error: 'must be left out: concurrency is what runs at the same time',
  })
  .refine(
    ({ per, valuesMax, concurrency }) => valuesMax === undefined || (per !== undefined && concurrency === undefined),
    {
      path: ['valuesMax'],
      error: 'must be left out: it bounds the counters of a limit with per and a window',
    },
  )
  .refine(({ thresholds = [], window = '' }) => thresholds.length === 0 || hasThresholds(window), {
    path: ['thresholds'],
    error: 'must be left out: they are told for windows of an hour and longer',
  })
  .meta({
    oneOf: LIMIT_QUANTITIES.map((quantity) => ({
      required: quantity === 'concurrency' ? [quantity] : [quantity, 'window'],
    })),
  });

/** Limits of one scope. */
export const limitsSchema = z.array(limitSchema).max(16).default([]);

/** What this limit counts. */
export function quantityOf(limit: Partial<Record<LimitQuantity, unknown>>): LimitQuantity {
  // The schema lets none pass without one.
  return LIMIT_QUANTITIES.find((quantity) => limit[quantity] !== undefined) ?? 'tokens';
}
