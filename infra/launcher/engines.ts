import { permissionsFor } from '@tollgate/bus';
import { type Engine, type EngineContext, type NatsEngine, natsEngine, redisEngine } from '@tollgate/engines';
import { serviceNames } from './services.ts';

export interface StoreEngines {
  nats: NatsEngine;
  redis: Engine;
  cacheRedis: Engine;
}

/** The engines that the gateway cannot answer without, found or fetched, not started yet. */
export async function storeEngines(context: EngineContext): Promise<StoreEngines> {
  const users = ['launcher', ...serviceNames].map((name) => ({ name, ...permissionsFor(name) }));
  const [nats, redis, cacheRedis] = await Promise.all([
    natsEngine(context, users),
    redisEngine(context, 'redis'),
    redisEngine(context, 'cacheRedis'),
  ]);
  return { nats, redis, cacheRedis };
}
