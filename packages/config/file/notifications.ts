import { z } from 'zod';
import { isLoopback } from '../env/derived.ts';
import { SLUG, SLUG_RULE } from '../model/patterns.ts';
import { object, slug } from './object.ts';
import { thresholdsSchema } from './thresholds.ts';

const REFERENCE = 'must be a reference, { env: TOLLGATE_WEBHOOK_… } or { file: PATH }';

/** Read by the console; the prefix keeps a configuration from sending the console's own secrets anywhere. */
const referenceSchema = z
  .strictObject(
    {
      env: z
        .string()
        .regex(/^TOLLGATE_WEBHOOK_[A-Z0-9_]{1,100}$/, 'must be a variable whose name begins with TOLLGATE_WEBHOOK_')
        .optional(),
      file: z.string().startsWith('/', 'must be an absolute path').max(1024, 'must be a path').optional(),
    },
    { error: REFERENCE },
  )
  .refine(({ env, file }) => (env === undefined) !== (file === undefined), { error: REFERENCE })
  .meta({ minProperties: 1, maxProperties: 1 });

const webhookSchema = object({
  name: slug({ pattern: SLUG, text: SLUG_RULE }),
  url: z.union([z.string(), referenceSchema], { error: 'must be an https:// URL, or { env: … } or { file: … }' }),
  format: z.enum(['json', 'slack', 'teams'], 'must be json, slack or teams').default('json'),
  secret: referenceSchema.optional(),
  thresholds: thresholdsSchema.optional(),
  refusals: z.boolean().default(true),
  /** Allows plain http to other machines. */
  insecure: z.boolean().default(false),
}).superRefine(({ url, format, secret, insecure }, { addIssue }) => {
  const fault = (name: string, message: string) => addIssue({ code: 'custom', path: [name], message });
  if (format === 'json' && secret === undefined) fault('secret', `is missing: ${REFERENCE}`);
  if (typeof url !== 'string') return;
  const problem =
    format === 'json'
      ? webhookUrlProblem(url, insecure)
      : `${REFERENCE}: whoever knows a URL of ${format} can write there`;
  if (problem !== undefined) fault('url', problem);
});

/** Who is told of limits of this scope and of what is below it. */
export const notificationsSchema = object({
  webhooks: z.array(webhookSchema).max(16, 'must list at most 16').default([]),
});

/** Why nothing may be sent to this URL, without the URL; undefined = it may. */
export function webhookUrlProblem(text: string, insecure: boolean): string | undefined {
  const url = URL.parse(text);
  if (url === null || !['http:', 'https:'].includes(url.protocol)) return 'must be an https:// URL';
  if (url.username !== '' || url.password !== '') return 'must not hold a user or password';
  if (url.hash !== '' || /[\s\\]/.test(text)) return 'must be a URL without fragment and spaces';
  if (url.protocol === 'http:' && !isLoopback(url.hostname) && !insecure) {
    return 'would be called in plain text on another machine: use https, or say insecure: true';
  }
  return undefined;
}
