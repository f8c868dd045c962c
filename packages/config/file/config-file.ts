import { z } from 'zod';
import { SLUG, SLUG_RULE } from '../model/patterns.ts';
import { guardrailSchema } from './guardrails.ts';
import { concurrencyDefaultSchema, limitsSchema, onStoreFailureSchema, teamLimitsSchema } from './limit.ts';
import { notEnforced } from './not-enforced.ts';
import { notificationsSchema } from './notifications.ts';
import { object, slug, whole } from './object.ts';
import { priceListSchema } from './price-list.ts';
import { providerSchema } from './provider.ts';

const name = slug({ pattern: SLUG, text: SLUG_RULE });

const teamSchema = object({
  name,
  limits: teamLimitsSchema,
  notifications: notificationsSchema.optional(),
  /** Where its requests may go: a hard filter over every target. */
  regions: z
    .array(name)
    .min(1, 'must list at least one region; leave it out for all')
    .max(64, 'must list at most 64 regions')
    .optional(),
});

/** First segments of paths that Tollgate serves at the root. */
const RESERVED = [
  'openai',
  'v1',
  'deployments',
  'chat',
  'completions',
  'messages',
  'responses',
  'embeddings',
  'models',
  'livez',
  'readyz',
  'metrics',
];

const proxySchema = object({
  name,
  version: z
    .string('must be a text: put it in quotes')
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$/, 'must be 1 to 32 of A-Z, a-z, 0-9, ., _ and -')
    .default('v1.0'),
  context: z
    .string()
    .regex(/^\/?[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, 'must be one path segment such as /enterprise-llm-proxy')
    .refine((context) => !RESERVED.includes(context.replace('/', '')), `must not be one of ${RESERVED.join(', ')}`),
  provider: name,
  default: z.boolean().default(false),
  guardrails: z.array(guardrailSchema).max(32).default([]),
  /** For a whole JSON answer. Not beyond 280 s: Node's fetch gives up at 301 s, and the caller would pay twice. */
  deadlineMs: whole(1000, 280_000).default(280_000),
  capture: notEnforced(),
  limits: notEnforced(),
});

const projectSchema = object({
  name,
  limits: limitsSchema,
  notifications: notificationsSchema.optional(),
  teams: z.array(teamSchema).max(1000).default([]),
  proxies: z.array(proxySchema).max(1000).default([]),
});

/** What a team has that says nothing else. */
const defaultsSchema = object({
  concurrency: concurrencyDefaultSchema,
  onStoreFailure: onStoreFailureSchema,
}).optional();

/** tollgate.yaml. */
export const configFileSchema = object({
  organization: name,
  limits: limitsSchema,
  defaults: defaultsSchema,
  notifications: notificationsSchema.optional(),
  priceList: priceListSchema,
  providers: z.array(providerSchema).min(1, 'must list at least one provider').max(64),
  projects: z.array(projectSchema).min(1, 'must list at least one project').max(256),
});

export type ConfigFile = z.output<typeof configFileSchema>;
export type FileProvider = ConfigFile['providers'][number];
export type FileProject = ConfigFile['projects'][number];
export type FileProxy = FileProject['proxies'][number];
export type FileGuardrail = FileProxy['guardrails'][number];
export type FileDefaults = ConfigFile['defaults'];
export type FileLimit = ConfigFile['limits'][number];
export type FileWebhook = NonNullable<ConfigFile['notifications']>['webhooks'][number];
