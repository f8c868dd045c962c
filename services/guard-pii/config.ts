import { availableParallelism } from 'node:os';
import { type Environment, guardEnv, integerVariable, natsEnv, readEnvironment, replicaEnv, z } from '@tollgate/config';

/** One core stays free for the small requests. */
const threadsDefault = Math.max(1, Math.min(4, availableParallelism() - 1));

export const readConfig = (environment: Environment) =>
  readEnvironment(
    {
      ...replicaEnv,
      ...natsEnv,
      ...guardEnv,
      /** Regions, ISO 3166, as of which phone numbers without + are read; the first that fits wins. */
      TOLLGATE_PII_REGIONS: z
        .string()
        .regex(/^[A-Z]{2}(?:,[A-Z]{2}){0,31}$/, 'must be up to 32 regions of two capital letters, like US,GB,DE')
        .default('US')
        .transform((regions) => regions.split(',')),
      /** Threads that scan large texts, started when first needed. */
      TOLLGATE_PII_THREADS: integerVariable({ min: 1, max: 64, default: threadsDefault }),
    },
    environment,
  );
