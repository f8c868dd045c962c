import { z } from 'zod';
import { authorityProblem, IDENTITY_NAME, IDENTITY_NAME_RULE } from '../env/identity-rules.ts';
import { object, slug } from './object.ts';

const identityName = slug({ pattern: IDENTITY_NAME, text: IDENTITY_NAME_RULE }).optional();

/** Whom a provider is told to trust instead of a key: Microsoft Entra, for the workload that upstream is. */
const entraWorkloadIdentity = object({
  tenantId: identityName,
  clientId: identityName,
  tokenFile: z.string().startsWith('/', 'must be an absolute path').max(1024, 'must be a path').optional(),
  authority: z
    .string()
    .max(1024, 'must be a URL')
    .superRefine((url, { addIssue }) => {
      const problem = authorityProblem(url);
      if (problem !== undefined) addIssue({ code: 'custom', message: problem });
    })
    .optional(),
  /** RFC 6749, section 3.3. */
  scope: z
    .string()
    .regex(
      /^[\x21\x23-\x5b\x5d-\x7e]{1,512}$/,
      'must be one scope, such as https://cognitiveservices.azure.com/.default',
    )
    .default('https://cognitiveservices.azure.com/.default'),
});

export const keylessSchema = object({ entraWorkloadIdentity });

/** What is wrong with a provider that says `credential`, if anything is. */
export function keylessProblem(provider: { type: string; apiKey?: unknown; credential?: unknown }): string | undefined {
  if (provider.credential === undefined) return undefined;
  if (provider.type !== 'azure-openai') return 'belongs to type azure-openai only: remove it, and use apiKey';
  if (provider.apiKey !== undefined) return 'stands beside apiKey: remove one of both';
  return undefined;
}
