import { z } from 'zod';
import { KEY_NAME, KEY_NAME_RULE } from './patterns.ts';

/** What an API key may be called. */
export const keyNameSchema = z.string().regex(KEY_NAME, KEY_NAME_RULE);

/** An API key as the bucket holds it under `key.<hash>`: everything but the key itself. */
export const keyRecordSchema = z.object({
  id: z.string().min(1),
  /** SHA-256 of the key, hex. */
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  name: keyNameSchema,
  /** The key's last five digits, for people. */
  lastFive: z.string().length(5),
  organizationId: z.string(),
  projectId: z.string(),
  project: z.string(),
  teamId: z.string(),
  team: z.string(),
  /** Ids of the proxies that it may use; absent: all of its project. */
  proxies: z.array(z.string()).optional(),
  /** Models that it may ask for; absent: all. */
  models: z.array(z.string()).optional(),
  createdAtMs: z.int().min(0),
  /** Refused from this moment on. */
  expiresAtMs: z.int().min(0).optional(),
  /** Refused for ever. */
  revokedAtMs: z.int().min(0).optional(),
  rotatedToId: z.string().optional(),
});

export type KeyRecord = z.output<typeof keyRecordSchema>;
