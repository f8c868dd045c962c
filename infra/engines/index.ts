export { clickhouseEngine } from './clickhouse.ts';
export { clickhousePlace, makeDatabase } from './clickhouse-place.ts';
export { keptPassword } from './credentials.ts';
export { cacheFolder, repositoryFolder } from './host/cache-folder.mjs';
export { natsEngine } from './nats.ts';
export { natsConfiguration } from './nats-configuration.ts';
export { freePort, isFree, keptPort } from './ports.ts';
export { privateFolder, writePrivateFile } from './private-file.ts';
export { probeNats } from './probes/nats.ts';
export { probeRedis } from './probes/redis.ts';
export { until } from './probes/until.ts';
export { logTail } from './process/log-file.ts';
export {
  ManagedProcess,
  type ManagedProcessEvent,
  type ManagedProcessOptions,
  type ProcessPlan,
} from './process/managed-process.ts';
export { endLeftovers } from './process/pid-file.ts';
export { fetchChdb } from './programs/chdb.ts';
export { redisEngine } from './redis.ts';
export { redisConfiguration } from './redis-configuration.ts';
export type { Engine, EngineContext, EngineName, EngineUser, NatsEngine, NatsUser, ProgramSource } from './types.ts';
export { engineNames } from './types.ts';
