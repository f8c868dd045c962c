import { guardEnv, natsEnv, readEnvironment, redisEnv } from '@tollgate/config';

export const readConfig = () => readEnvironment({ ...guardEnv, ...natsEnv, ...redisEnv });
