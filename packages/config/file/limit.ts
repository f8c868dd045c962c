import { z } from 'zod';
import { KEY_NAME, KEY_NAME_RULE, MODEL_NAME, MODEL_NAME_RULE } from '../model/patterns.ts';
import { hasThresholds } from '../model/thresholds.ts';
import { isTimeZone } from '../model/time-zone.ts';
import { parseWindow, WINDOW_RULE, windowLengthMs } from '../model/window.ts';
import { choice } from './not-enforced.ts';
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

/** A window up to this long of requests or tokens is a rate, in ms, unless the file says how it is counted. */
const RATE_MS_MAX = 60_000;
const RATE_QUANTITIES: readonly LimitQuantity[] = ['tokens', 'promptTokens', 'completionTokens', 'requests'];

/** Units of a rate or its burst: times the ms of a minute, twice, they are exact in the store's numbers. */
const RATE_MAX = 50_000_000_000;

/** Shorter ones would roll by less than what requests take to arrive; the ledger, of which they are rebuilt, ends at 13 months. */
const ROLLING_MS_MIN = 60_000;
const ROLLING_MS_MAX = 360 * 86_400_000;
const ROLLING_RULE = 'must be of s, m, h, d or w and from 1m to 360d, as it is rolling';

type LimitText = Partial<Record<LimitQuantity, number>> & { window?: string; rolling?: boolean };

/** Whether a limit of the file is a rate: by its window, unless `rolling` says how it is counted. */
export function isRate(limit: LimitText): boolean {
  const lengthMs = windowLengthMs(limit.window ?? '');
  if (lengthMs === undefined || lengthMs > RATE_MS_MAX || limit.rolling !== undefined) return false;
  return RATE_QUANTITIES.some((quantity) => limit[quantity] !== undefined);
}

function canRoll({ window = '' }: LimitText): boolean {
  const lengthMs = windowLengthMs(window);
  return lengthMs !== undefined && lengthMs >= ROLLING_MS_MIN && lengthMs <= ROLLING_MS_MAX;
}
/** What is to be done with requests while the store of the budgets is away. */
export const onStoreFailureSchema = choice(['refuse', 'allow-within-share'], []).default('refuse');

const concurrency = whole(1, 1_000_000);

/** Of every team: requests that may run at the same time; `none`: as many as come. */
export const concurrencyDefaultSchema = z
  .union([concurrency, z.literal('none')], 'must be a whole number from 1 to 1000000, or none')
  .optional();

/** One limit of a team, a project or the organization. */
const limitSchema = object({
  tokens: most.optional(),
  promptTokens: most.optional(),
  completionTokens: most.optional(),
  costUsd: dollars.optional(),
  requests: most.optional(),
  concurrency: concurrency.optional(),
  window: z
    .string({ error: WINDOW_RULE })
    .refine((window) => parseWindow(window) !== undefined, WINDOW_RULE)
    .optional(),
  models: z
    .array(z.string().regex(MODEL_NAME, MODEL_NAME_RULE))
    .min(1, 'must list at least one model; leave it out for all')
    .max(32, 'must list at most 32 models')
    .optional(),
  keys: z
    .array(z.string().regex(KEY_NAME, KEY_NAME_RULE))
    .min(1, 'must list at least one key by its name; leave it out for all')
    .max(32, 'must list at most 32 keys')
    .optional(),
  per: z
    .string()
    .regex(PER, 'must be key, user, or metadata. and a name of 1 to 64 of A-Z, a-z, 0-9, _ and -')
    .optional(),
  valuesMax: whole(1, 5000).optional(),
  mode: choice(['hard', 'strict', 'soft', 'shadow'], []).default('hard'),
  rolling: z.boolean('must be true or false').optional(),
  burst: whole(1, RATE_MAX).optional(),
  timeZone: z
    .string()
    .refine(isTimeZone, 'must be UTC or a time zone of the IANA database such as Europe/Berlin')
    .default('UTC'),
  thresholds: thresholdsSchema.optional(),
  onStoreFailure: onStoreFailureSchema,
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
  .refine(({ concurrency, rolling }) => concurrency === undefined || rolling === undefined, {
    path: ['rolling'],
    error: 'must be left out: concurrency has no window',
  })
  // A window that is none is told by its own rule.
  .refine((limit) => !limit.rolling || parseWindow(limit.window ?? '') === undefined || canRoll(limit), {
    path: ['window'],
    error: ROLLING_RULE,
  })
  .refine((limit) => limit.burst === undefined || isRate(limit), {
    path: ['burst'],
    error:
      'must be left out: only rates have one, which are requests or tokens with a window of at most 1m and without rolling',
  })
  .refine((limit) => !isRate(limit) || RATE_QUANTITIES.every((quantity) => (limit[quantity] ?? 0) <= RATE_MAX), {
    error: `must be at most ${RATE_MAX}, as it is a rate; a longer window, or rolling: false, may have more`,
  })
  .refine((limit) => limit.timeZone === 'UTC' || !(limit.rolling || isRate(limit)), {
    path: ['timeZone'],
    error: 'must be left out: only calendar windows have one',
  })
  .refine(
    ({ mode, requests, concurrency }) => mode !== 'strict' || (requests === undefined && concurrency === undefined),
    {
      path: ['mode'],
      error: 'must be hard: requests are counted one by one, so hard is never passed either',
    },
  )
  .refine((limit) => limit.mode !== 'strict' || !isRate(limit), {
    path: ['mode'],
    error: 'must be hard: what a rate lets pass flows back; rolling: true makes a window that strict can hold',
  })
  .refine(
    ({ mode, rolling, onStoreFailure }) => onStoreFailure === 'refuse' || !(mode === 'strict' || rolling === true),
    {
      path: ['onStoreFailure'],
      error: 'must be refuse: without the store nobody knows enough of a strict limit or of a rolling window',
    },
  )
  .refine((limit) => (limit.thresholds ?? []).length === 0 || (hasThresholds(limit.window ?? '') && !limit.rolling), {
    path: ['thresholds'],
    error: 'must be left out: they are told for calendar windows of an hour and longer',
  })
  .meta({
    oneOf: LIMIT_QUANTITIES.map((quantity) => ({
      required: quantity === 'concurrency' ? [quantity] : [quantity, 'window'],
    })),
  });

/** Of one scope; of a team: that bind one of its keys. Each is a counter that every request of it is held against. */
export const LIMITS_MAX = 16;

/** Limits of the organization or of a project. */
export const limitsSchema = z
  .array(
    limitSchema.refine(({ keys }) => keys === undefined, {
      path: ['keys'],
      error: "must be left out: keys are a team's",
    }),
  )
  .max(LIMITS_MAX)
  .default([]);

/** Limits of a team, those of its single keys among them. */
export const teamLimitsSchema = z.array(limitSchema).max(256).default([]);

/** What this limit counts. */
export function quantityOf(limit: Partial<Record<LimitQuantity, unknown>>): LimitQuantity {
  // The schema lets none pass without one.
  return LIMIT_QUANTITIES.find((quantity) => limit[quantity] !== undefined) ?? 'tokens';
}
