import { guardEnv, natsEnv, readEnvironment, redisEnv, replicaEnv } from '@tollgate/config';

export const readConfig = () => readEnvironment({ ...replicaEnv, ...natsEnv, ...guardEnv, ...redisEnv });
