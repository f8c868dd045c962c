import path from 'node:path';
import { connectBus } from '@tollgate/bus';
import type { Scope } from '@tollgate/lifecycle';
import { createConsoleServer } from './adapters/http.ts';
import { Ledger } from './adapters/ledger.ts';
import { WebhookSender } from './adapters/webhook-sender.ts';
import { readConfig } from './config.ts';
import { applyRoutes } from './handlers/apply.ts';
import { budgetRoutes } from './handlers/budgets.ts';
import { dashboardRoutes } from './handlers/dashboard.ts';
import { keyRoutes } from './handlers/keys.ts';
import { pageRoutes } from './handlers/pages.ts';
import { reconcileRoutes } from './handlers/reconcile.ts';
import { sqlRoutes } from './handlers/sql.ts';
import { statusRoutes } from './handlers/status.ts';
import { usageRoutes } from './handlers/usage.ts';
import { followEveryMs, Webhooks } from './handlers/webhooks.ts';
import { repeat } from './repeating.ts';

/** Of a delivery; receivers are to answer first and work afterwards. */
const webhookMsMax = 10_000;

export async function start(scope: Scope): Promise<{ address: string }> {
  const config = readConfig(scope.environment);
  const { logger, metrics } = scope;
  const bus = await connectBus({ env: config.nats, service: 'console', replica: scope.replica, logger, metrics });
  scope.defer('bus', () => bus.close());
  scope.health.check('nats', () => bus.connected() || 'NATS is away');
  await bus.ensureTopology({
    replicas: config.TOLLGATE_STREAM_REPLICAS,
    usageBytesMax: config.TOLLGATE_USAGE_BYTES_MAX,
    background: {
      queueMax: config.TOLLGATE_BACKGROUND_QUEUE_MAX,
      bytesMax: config.TOLLGATE_BACKGROUND_BYTES_MAX,
      keptMs: config.TOLLGATE_BACKGROUND_KEPT_HOURS * 3_600_000,
    },
  });
  await bus.config.start();

  const ledger = new Ledger({ url: config.clickhouse.url, logger, metrics, now: Date.now });
  scope.defer('ledger', () => ledger.close());
  scope.health.check('ledger', () => (ledger.fault === undefined ? true : { degraded: ledger.fault }));

  const { HTTPS_PROXY, https_proxy, HTTP_PROXY, http_proxy, NO_PROXY, no_proxy } = config;
  const proxyEnv = { HTTPS_PROXY, https_proxy, HTTP_PROXY, http_proxy, NO_PROXY, no_proxy };
  const sender = new WebhookSender({ proxyEnv, timeoutMs: webhookMsMax, now: Date.now });
  const webhooks = new Webhooks({
    bus,
    send: (sending) => sender.send(sending),
    ...{ logger, metrics, now: Date.now, random: Math.random },
  });
  scope.defer('webhooks', () => webhooks.stop());
  repeat(scope, 'following webhooks', followEveryMs, () => webhooks.work());

  const app = createConsoleServer(logger, config.TOLLGATE_ADMIN_TOKEN);
  applyRoutes(app, bus);
  keyRoutes(app, bus);
  statusRoutes(app, bus, webhooks);
  usageRoutes(app, bus, ledger);
  sqlRoutes(app, ledger);
  reconcileRoutes(app, bus);
  budgetRoutes(app, bus);
  dashboardRoutes(app, bus, ledger);
  await pageRoutes(app, path.resolve(config.TOLLGATE_WEB_DIST));
  scope.defer('http', () => app.close());
  // Node's own option, which Fastify hands on and its types do not know.
  const shared = { reusePort: config.TOLLGATE_REUSE_PORT };
  const address = await app.listen({ host: config.replica.host, port: config.TOLLGATE_CONSOLE_PORT, ...shared });
  return { address };
}
