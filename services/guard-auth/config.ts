import { type Environment, guardEnv, integerVariable, natsEnv, readEnvironment, redisEnv } from '@tollgate/config';

export const readConfig = (environment: Environment) =>
  readEnvironment(
    {
      ...guardEnv,
      ...natsEnv,
      ...redisEnv,
      /** Idempotency keys and their answers of one organization in Redis, bytes; beyond it the oldest go. */
      TOLLGATE_IDEMPOTENCY_BYTES_MAX: integerVariable({ min: 1 << 20, max: 2 ** 34, default: 64 * 1024 * 1024 }),
    },
    environment,
  );
