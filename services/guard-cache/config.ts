import {
  cacheRedisEnv,
  type Environment,
  guardEnv,
  natsEnv,
  readEnvironment,
  replicaEnv,
  responseIdsEnv,
} from '@tollgate/config';

export const readConfig = (environment: Environment) =>
  readEnvironment({ ...replicaEnv, ...natsEnv, ...guardEnv, ...cacheRedisEnv, ...responseIdsEnv }, environment);
