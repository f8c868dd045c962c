import { z } from 'zod';
import { MODEL_NAME, MODEL_NAME_RULE, SLUG, SLUG_RULE } from '../model/patterns.ts';
import { STRATEGIES } from '../model/snapshot.ts';
import { choice, notEnforced, onlyFalse } from './not-enforced.ts';
import { object, slug, whole } from './object.ts';

const onError = z.enum(['refuse', 'pass'], 'must be refuse or pass');

const piiMasking = object({
  email: z.boolean().default(false),
  phone: z.boolean().default(false),
  ssn: z.boolean().default(false),
  creditCard: onlyFalse(),
  iban: onlyFalse(),
  ipAddress: onlyFalse(),
  url: onlyFalse(),
  secrets: onlyFalse(),
  nationalIds: notEnforced(),
  custom: notEnforced(),
  /** Empty = every text that the model reads, as in the guide. */
  jsonPath: z.literal('', 'must be empty: this build masks every text that the model reads').optional(),
  mode: z.enum(['mask', 'redact', 'block'], 'must be mask, redact or block').default('mask'),
  restore: onlyFalse(),
  direction: choice(['request'], ['response', 'both']).default('request'),
  showAssessment: onlyFalse(),
  onError: onError.default('refuse'),
}).refine((settings) => settings.email || settings.phone || settings.ssn, {
  error: 'masks nothing: switch on email, phone or ssn',
});

const semanticCache = object({
  similarityThreshold: z
    .number('must be a number from 0 to 1')
    .min(0, 'must be at least 0')
    .max(1, 'must be at most 1')
    .default(0.92),
  ttlSeconds: whole(1, 2_592_000).default(3600),
  scope: z.enum(['key', 'team', 'proxy'], 'must be key, team or proxy').default('team'),
  maxEntries: whole(1, 1_000_000).default(10_000),
  agreement: z.enum(['exact', 'content', 'facts', 'none'], 'must be exact, content, facts or none').default('content'),
  embedder: choice(['LOCAL'], ['OPENAI', 'AZURE_OPENAI', 'MISTRAL']).default('LOCAL'),
  store: choice(['REDIS'], ['MILVUS']).default('REDIS'),
  mode: notEnforced(),
  shadow: onlyFalse(),
  onError: onError.default('pass'),
});

const modelRotation = object({
  strategy: choice(STRATEGIES, []).default('round-robin'),
  models: z
    .array(
      object({
        model: slug({ pattern: MODEL_NAME, text: MODEL_NAME_RULE }),
        /** Default: the proxy's. */
        provider: slug({ pattern: SLUG, text: SLUG_RULE }).optional(),
        /** Its part of the turns, beside the others' weights. Default: 1. */
        weight: whole(1, 1000).optional(),
        priority: notEnforced(),
      }),
    )
    .min(1, 'must list at least one model')
    .max(64),
  suspendDurationSeconds: whole(0, 3600).default(30),
  maxSuspendSeconds: whole(0, 3600).default(300),
  attempts: whole(1, 10).default(3),
  override: z.boolean().default(false),
  hedgeAfterMs: whole(50, 60_000).optional(),
  hedgeMaxShare: z
    .number('must be a number above 0, at most 0.5')
    .gt(0, 'must be above 0')
    .max(0.5, 'must be at most 0.5')
    .optional(),
  onError: z.literal('refuse', 'must be refuse: without a target there is nothing to call').default('refuse'),
})
  .refine((settings) => settings.suspendDurationSeconds <= settings.maxSuspendSeconds, {
    path: ['suspendDurationSeconds'],
    error: 'must not be longer than maxSuspendSeconds',
  })
  .superRefine(({ hedgeAfterMs, hedgeMaxShare, attempts, models }, { addIssue }) => {
    const fault = (name: string, message: string) => addIssue({ code: 'custom', path: [name], message });
    if (hedgeMaxShare !== undefined && hedgeAfterMs === undefined) fault('hedgeMaxShare', 'needs hedgeAfterMs');
    if (hedgeAfterMs !== undefined && (attempts < 2 || models.length < 2))
      fault('hedgeAfterMs', 'needs two models, and attempts of at least 2');
  })
  .superRefine(({ strategy, models }, { addIssue }) => {
    if (strategy === 'weighted') return;
    for (const [at, { weight }] of models.entries()) {
      const message = 'must be left out: only strategy weighted looks at it';
      if (weight !== undefined) addIssue({ code: 'custom', path: ['models', at, 'weight'], message });
    }
  });

const kinds = { piiMasking, semanticCache, modelRotation };
const names = Object.keys(kinds).join(', ');

/** One guardrail: its name and its settings. */
export const guardrailSchema = object(
  {
    piiMasking: piiMasking.optional(),
    semanticCache: semanticCache.optional(),
    modelRotation: modelRotation.optional(),
  },
  { unknown: `is a guardrail that this build does not enforce: remove it; it has ${names}` },
)
  .refine((entry) => Object.keys(entry).length === 1, { error: `must be exactly one of ${names}` })
  .meta({ minProperties: 1, maxProperties: 1 });
