import {
  cacheRedisEnv,
  type Environment,
  guardEnv,
  integerVariable,
  natsEnv,
  readEnvironment,
  replicaEnv,
  responseIdsEnv,
} from '@tollgate/config';

export const readConfig = (environment: Environment) =>
  readEnvironment(
    {
      ...replicaEnv,
      ...natsEnv,
      ...guardEnv,
      ...cacheRedisEnv,
      ...responseIdsEnv,
      // A lookup that takes longer costs more than it saves.
      TOLLGATE_CACHE_DEADLINE_MS: integerVariable({ min: 10, max: 5000, default: 100 }),
    },
    environment,
  );
