import { type Environment, guardEnv, natsEnv, readEnvironment, redisEnv } from '@tollgate/config';

export const readConfig = (environment: Environment) =>
  readEnvironment({ ...guardEnv, ...natsEnv, ...redisEnv }, environment);
