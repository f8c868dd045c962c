import { z } from 'zod';
import { isLoopback } from '../env/derived.ts';
import { MODEL_NAME, MODEL_NAME_RULE, SLUG, SLUG_RULE } from '../model/patterns.ts';
import type { Model } from '../model/snapshot.ts';
import { choice, notEnforced } from './not-enforced.ts';
import { object, slug, whole } from './object.ts';
import { keylessProblem, keylessSchema } from './workload-identity.ts';

const modelName = slug({ pattern: MODEL_NAME, text: MODEL_NAME_RULE });

/** A name alone stands for the deployment and the base model, too. */
const modelSchema = z
  .union(
    [
      modelName,
      object({
        name: modelName,
        deployment: modelName.optional(),
        baseModel: modelName.optional(),
        region: slug({ pattern: SLUG, text: SLUG_RULE }).optional(),
        outputTokensMax: whole(16, 10_000_000).optional(),
        imageTokensMax: whole(1, 10_000_000).optional(),
        fileTokensMax: whole(1, 10_000_000).optional(),
        rpm: whole(1, 10_000_000).optional(),
        tpm: whole(1, 1_000_000_000).optional(),
      }),
    ],
    { error: 'must be a name, or { name, deployment, baseModel, region, … }' },
  )
  .transform((model): Model => {
    if (typeof model === 'string') return { name: model, deployment: model, baseModel: model };
    const { name, deployment = name, baseModel = name, region, ...bounds } = model;
    return { name, deployment, baseModel, region, ...bounds };
  });

const LITERAL_KEY =
  'must be a reference, { env: NAME } or { file: PATH }: a credential in this file could be read by everyone who can read the file. Put it into an environment variable or a file of its own, and withdraw the one that stands here if anybody else may have seen it';

/** Where a provider's credential stands. */
const credentialSchema = z
  .strictObject(
    {
      env: z
        .string()
        .regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/, 'must be the name of an environment variable')
        .optional(),
      file: z.string().startsWith('/', 'must be an absolute path').max(1024, 'must be a path').optional(),
    },
    { error: LITERAL_KEY },
  )
  .refine((reference) => (reference.env === undefined) !== (reference.file === undefined), { error: LITERAL_KEY })
  .meta({ minProperties: 1, maxProperties: 1 });

/** Where a type is called that names no endpoint; Azure's is each customer's own. */
const ENDPOINTS: Readonly<Record<string, string>> = {
  openai: 'https://api.openai.com/v1',
  anthropic: 'https://api.anthropic.com',
};

export const providerSchema = object({
  name: slug({ pattern: SLUG, text: SLUG_RULE }),
  type: choice(['azure-openai', 'openai', 'anthropic'], ['mistral', 'bedrock', 'vertex', 'gemini', 'ollama']),
  /** The resource's base URL; of type openai with its /v1, of type anthropic what stands before /v1/messages. */
  endpoint: z.string().optional(),
  /** Allows plain http to other machines. */
  insecure: z.boolean().default(false),
  apiKey: credentialSchema.optional(),
  /** In place of apiKey. */
  credential: keylessSchema.optional(),
  apiVersion: z
    .string('must be a text: put it in quotes')
    .regex(/^[A-Za-z0-9][A-Za-z0-9.-]{0,31}$/, 'must be as Azure writes it, e.g. "2025-04-01-preview"')
    .optional(),
  /** Of its models that say nothing else. */
  region: slug({ pattern: SLUG, text: SLUG_RULE }).optional(),
  models: z.array(modelSchema).min(1, 'must list at least one model').max(256),
  allowedPaths: notEnforced(),
}).superRefine((provider, { addIssue }) => {
  const fault = (name: string, message: string) => addIssue({ code: 'custom', path: [name], message });
  const keyless = keylessProblem(provider);
  if (keyless !== undefined) fault('credential', keyless);
  const endpoint = endpointOf(provider);
  if (endpoint === undefined) return fault('endpoint', 'is missing: the base URL of the Azure OpenAI resource');
  const problem = endpointProblem(endpoint, provider.insecure);
  if (problem !== undefined) fault('endpoint', problem);
  if (provider.type !== 'azure-openai' && provider.apiVersion !== undefined) {
    fault('apiVersion', 'belongs to type azure-openai only: remove it');
  }
});

export function endpointOf({ type, endpoint }: { type: string; endpoint?: string }): string | undefined {
  return endpoint ?? ENDPOINTS[type];
}

/** Hosts come from here only, so what could send a credential elsewhere is refused here. */
function endpointProblem(endpoint: string, insecure: boolean): string | undefined {
  const url = URL.parse(endpoint);
  if (url === null || !['http:', 'https:'].includes(url.protocol)) return 'must be an https:// URL';
  if (url.username !== '' || url.password !== '') return 'must not hold a user or password: use apiKey';
  if (url.search !== '' || url.hash !== '' || /[?#\s\\]/.test(endpoint)) {
    return 'must be a base URL, without query or fragment';
  }
  if (url.protocol === 'http:' && !isLoopback(url.hostname) && !insecure) {
    return 'sends prompts and the credential in plain text to another machine: use https, or say insecure: true';
  }
  return undefined;
}
