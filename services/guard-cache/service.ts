import { connectBus, subjects } from '@tollgate/bus';
import { ResponseIds } from '@tollgate/config';
import { serveGuard } from '@tollgate/guard';
import type { Scope } from '@tollgate/lifecycle';
import { RedisConnection } from '@tollgate/redis';
import { CacheStore } from './adapters/redis/store.ts';
import { readConfig } from './config.ts';
import { CacheCounters } from './handlers/counters.ts';
import { Filler } from './handlers/fill.ts';
import { Lookup } from './handlers/lookup.ts';
import { RecentQuestions } from './handlers/recent-questions.ts';

export async function start(scope: Scope): Promise<{ address: string }> {
  const env = readConfig(scope.environment);
  const { logger, metrics, replica } = scope;
  const bus = await connectBus({ env: env.nats, service: 'guard-cache', replica, logger, metrics });
  scope.defer('bus', () => bus.close());
  const redis = new RedisConnection({
    url: env.cacheRedis.url,
    name: replica,
    deadlineMs: env.TOLLGATE_CACHE_DEADLINE_MS,
    logger,
    metrics,
  });
  scope.defer('cache redis', () => redis.close());
  const store = new CacheStore(redis, logger);
  await bus.config.start();

  const counters = new CacheCounters(metrics);
  const now = Date.now;
  const questions = new RecentQuestions();
  const filler = new Filler({
    config: bus.config,
    store,
    questions,
    counters,
    logger,
    now,
  });
  const fills = bus.subscribe(subjects.cacheFill, filler.handle, { queue: 'guard-cache' });
  scope.drain('fills', async () => {
    await fills.drain();
    await filler.drained();
  });
  scope.health.check('nats', () => bus.connected() || 'NATS is away');
  scope.health.check('configuration', () => !bus.config.stale() || 'the configuration here is behind');
  scope.health.check('cache redis', () => {
    if (!store.ready()) return 'the cache Redis does not answer';
    return (
      store.hasVectors || {
        degraded: 'the cache Redis has no vector sets: with agreement facts or none only exact repeats hit',
      }
    );
  });
  const responseIds = new ResponseIds(env.responseIds.secrets);
  const lookup = new Lookup({ config: bus.config, store, questions, counters, responseIds, now });
  return serveGuard({
    kind: 'cache',
    env: env.guard,
    bus,
    logger,
    metrics,
    scope,
    handle: lookup.handle,
    // Without its Redis too: a quick error reply costs a request less than waiting for another replica.
    ready: () => bus.config.current() !== undefined && !bus.config.stale(),
    revision: () => bus.config.current()?.revision ?? 0,
  });
}
