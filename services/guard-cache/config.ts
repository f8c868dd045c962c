import { cacheRedisEnv, guardEnv, natsEnv, readEnvironment, replicaEnv } from '@tollgate/config';

export const readConfig = () => readEnvironment({ ...replicaEnv, ...natsEnv, ...guardEnv, ...cacheRedisEnv });
