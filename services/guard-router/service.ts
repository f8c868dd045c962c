import { connectBus, subjects } from '@tollgate/bus';
import { ResponseIds } from '@tollgate/config';
import { serveGuard } from '@tollgate/guard';
import type { Scope } from '@tollgate/lifecycle';
import { RedisConnection } from '@tollgate/redis';
import { ChoiceStore } from './adapters/choice-store.ts';
import { RotationStore } from './adapters/rotation-store.ts';
import { readConfig } from './config.ts';
import { BoundRoutes } from './handlers/bound.ts';
import { Reports } from './handlers/reports.ts';
import { Router } from './handlers/route.ts';

const kind = 'guard-router';

export async function start(scope: Scope): Promise<{ address: string }> {
  const config = readConfig(scope.environment);
  const { logger, metrics, replica } = scope;
  const bus = await connectBus({ env: config.nats, service: kind, replica, logger, metrics });
  scope.defer('bus', () => bus.close());
  scope.health.check('nats', () => bus.connected() || 'NATS is away');
  await bus.config.start();
  const current = () => bus.config.current() !== undefined && !bus.config.stale();
  scope.health.check('configuration', () => current() || 'not there, or behind');

  const hashTag = () => bus.config.current()?.organization.id;
  const redis = new RedisConnection({ url: config.redis.url, name: replica, hashTag, logger, metrics });
  scope.defer('redis', () => redis.close());
  scope.health.check('redis', () => redis.ready() || { degraded: 'Redis is away: each replica takes turns alone' });

  const store = new RotationStore(redis);
  const choices = new ChoiceStore(redis);
  const alone = metrics.counter('tollgate_router_alone_total', 'Requests routed without the shared store');
  const suspensions = metrics.counter('tollgate_router_suspensions_total', 'Suspensions of targets');
  const onStoreFault = () => alone.inc();
  const bound = new BoundRoutes({
    ids: new ResponseIds(config.responseIds.secrets),
    choices,
    now: Date.now,
    onStoreFault,
  });
  const router = new Router({
    config: bus.config,
    store,
    choices,
    bound,
    logger,
    now: Date.now,
    random: Math.random,
    onStoreFault,
  });
  const reports = new Reports({
    config: bus.config,
    store,
    choices,
    logger,
    now: Date.now,
    onSuspended: () => suspensions.inc(),
  });
  const reported = bus.subscribe(subjects.routeReport, (bytes) => void reports.take(bytes), { queue: kind });
  scope.defer('reports', () => reported.drain());

  return serveGuard({
    ...{ kind: 'router', env: config.guard, bus, logger, metrics, scope },
    handle: (request) => router.handle(request),
    ready: () => bus.connected() && current(),
    revision: () => bus.config.current()?.revision ?? 0,
  });
}
