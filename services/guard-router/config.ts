import {
  type Environment,
  guardEnv,
  natsEnv,
  readEnvironment,
  redisEnv,
  replicaEnv,
  responseIdsEnv,
} from '@tollgate/config';

export const readConfig = (environment: Environment) =>
  readEnvironment({ ...replicaEnv, ...natsEnv, ...guardEnv, ...redisEnv, ...responseIdsEnv }, environment);
