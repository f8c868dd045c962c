// The only reader of process.env, and the resource model.
export { z } from 'zod';
export { declareService } from './env/derived.ts';
export { EnvironmentError } from './env/fault.ts';
export {
  cacheRedisEnv,
  clickhouseEnv,
  type GuardEnv,
  guardEnv,
  type HealthEnv,
  healthEnv,
  type NatsEnv,
  natsEnv,
  type ReplicaEnv,
  redisEnv,
  replicaEnv,
  type UrlEnv,
} from './env/fragments.ts';
export {
  type EnvironmentOf,
  type EnvironmentSchema,
  group,
  readEnvironment,
  type VariableGroup,
} from './env/read.ts';
export { booleanVariable, integerVariable, portVariable, urlVariable } from './env/variables.ts';
