import { cacheRedisEnv, type Environment, guardEnv, natsEnv, readEnvironment, replicaEnv } from '@tollgate/config';

export const readConfig = (environment: Environment) =>
  readEnvironment({ ...replicaEnv, ...natsEnv, ...guardEnv, ...cacheRedisEnv }, environment);
