export { type Argument, RedisConnection, type RedisConnectionOptions } from './connection.ts';
export { StoreFault, type StoreFaultReason } from './fault.ts';
export { scanKeys } from './scan.ts';
export { loadScript, type Script } from './script.ts';
