import { connectBus } from '@tollgate/bus';
import { serveGuard } from '@tollgate/guard';
import type { Scope } from '@tollgate/lifecycle';
import { ScanPool } from './adapters/scan-pool.ts';
import { readConfig } from './config.ts';
import { regionOf } from './domain/phone-book.ts';
import { PiiCounters } from './handlers/counters.ts';
import { Masking } from './handlers/masking.ts';

/** Large requests in hand at once; their bytes are bounded by the pool. */
const bulkRunningMax = 64;

export async function start(scope: Scope): Promise<{ address: string }> {
  const env = readConfig(scope.environment);
  const { logger, metrics, replica } = scope;
  const regions = env.TOLLGATE_PII_REGIONS.map(regionOf);
  const bus = await connectBus({ env: env.nats, service: 'guard-pii', replica, logger, metrics });
  scope.defer('bus', () => bus.close());
  await bus.config.start();
  const pool = new ScanPool({ regions: env.TOLLGATE_PII_REGIONS, threadsMax: env.TOLLGATE_PII_THREADS });
  scope.defer('scanning threads', () => pool.close());

  scope.health.check('nats', () => bus.connected() || 'NATS is away');
  scope.health.check('configuration', () => !bus.config.stale() || 'the configuration here is behind');
  const masking = new Masking({ config: bus.config, pool, regions, counters: new PiiCounters(metrics) });
  return serveGuard({
    kind: 'pii',
    env: env.guard,
    bus,
    logger,
    metrics,
    scope,
    handle: masking.handle,
    handleEncoded: masking.handleEncoded,
    bulkRunningMax,
    ready: () => bus.config.current() !== undefined && !bus.config.stale(),
    revision: () => bus.config.current()?.revision ?? 0,
  });
}
