import { connectBus } from '@tollgate/bus';
import type { Scope } from '@tollgate/lifecycle';
import { createConsoleServer } from './adapters/http.ts';
import { readConfig } from './config.ts';
import { applyRoutes } from './handlers/apply.ts';
import { keyRoutes } from './handlers/keys.ts';
import { statusRoutes } from './handlers/status.ts';

export async function start(scope: Scope): Promise<{ address: string }> {
  const config = readConfig();
  const { logger, metrics } = scope;
  const bus = await connectBus({ env: config.nats, service: 'console', replica: scope.replica, logger, metrics });
  scope.defer('bus', () => bus.close());
  scope.health.check('nats', () => bus.connected() || 'NATS is away');
  await bus.ensureTopology({
    replicas: config.TOLLGATE_STREAM_REPLICAS,
    usageBytesMax: config.TOLLGATE_USAGE_BYTES_MAX,
  });
  await bus.config.start();

  const app = createConsoleServer(logger, config.TOLLGATE_ADMIN_TOKEN);
  applyRoutes(app, bus);
  keyRoutes(app, bus);
  statusRoutes(app, bus);
  scope.defer('http', () => app.close());
  const address = await app.listen({ host: config.replica.host, port: config.TOLLGATE_CONSOLE_PORT });
  return { address };
}
