import { connectBus, subjects } from '@tollgate/bus';
import { type ConfigSnapshot, type Provider, ResponseIds } from '@tollgate/config';
import type { Scope } from '@tollgate/lifecycle';
import { Credentials } from './adapters/credentials.ts';
import { Endpoints } from './adapters/endpoints.ts';
import { Extensions } from './adapters/extensions.ts';
import { HandOn } from './adapters/hand-on.ts';
import { Intake } from './adapters/intake.ts';
import { Leases } from './adapters/leases.ts';
import { credentialMetrics, tokenMetrics, upstreamMetrics } from './adapters/metrics.ts';
import { Pools } from './adapters/pools.ts';
import { Running } from './adapters/running.ts';
import { Sweep } from './adapters/sweep.ts';
import { UnpricedUsage } from './adapters/unpriced.ts';
import { readConfig, type UpstreamConfig } from './config.ts';
import { startBackground } from './handlers/background/start.ts';
import { Conclude } from './handlers/conclude.ts';
import { Hedging } from './handlers/hedging.ts';
import { Keep } from './handlers/keep.ts';
import { Owner } from './handlers/owner.ts';
import { Serve } from './handlers/serve.ts';

/** What runs may use this much of the stop; the rest interrupts what is left, flushes usage and closes. */
const drainShare = 0.5;

export async function start(scope: Scope): Promise<object> {
  const config = readConfig(scope.environment);
  const { logger, replica } = scope;
  const bus = await connectBus({ env: config.nats, service: 'upstream', replica, logger, metrics: scope.metrics });
  scope.defer('bus', () => bus.close());
  await bus.config.start();

  const pools = new Pools(poolsOptions(config));
  scope.defer('connections', () => pools.close());
  const onTokenAsked = tokenMetrics(scope.metrics);
  const credentials = new Credentials({ logger, pool: (origin) => pools.get({ origin, target: '' }), onTokenAsked });
  const endpoints = new Endpoints(credentials, pools);
  const conclude = new Conclude(bus);
  const keep = new Keep(bus, logger);
  const metrics = upstreamMetrics(scope.metrics, () => owner.running);
  credentialMetrics(scope.metrics, (standing) => credentials.count(standing));
  const only = config.TOLLGATE_UPSTREAM_PROVIDERS;
  const serves = (provider: string) => only === undefined || only.includes(provider);
  const serve = new Serve({
    bus,
    endpoints,
    conclude,
    keep,
    metrics,
    unpriced: new UnpricedUsage(metrics, logger),
    logger,
    serves,
    handOn: new HandOn(bus),
    extensions: new Extensions(bus, logger),
    hedging: new Hedging(metrics.hedge),
    sweep: new Sweep(),
    responseIds: new ResponseIds(config.responseIds.secrets),
    answerBytesMax: config.TOLLGATE_UPSTREAM_ANSWER_BYTES_MAX,
    firstContentMsMax: config.TOLLGATE_UPSTREAM_FIRST_CONTENT_TIMEOUT_MS,
    idleMsMax: config.TOLLGATE_UPSTREAM_IDLE_TIMEOUT_MS,
  });
  const runsMax = config.TOLLGATE_UPSTREAM_RUNS_MAX;
  const bodyBytesMax = config.TOLLGATE_UPSTREAM_BODY_BYTES_MAX;
  const unready = () => {
    if (!bus.connected()) return 'NATS is away';
    if (!bus.config.current()) return 'no configuration has been applied';
    if (bus.config.stale()) return 'the configuration here is behind';
    if (bus.usage.full()) return 'usage is not being acknowledged';
    return owner.running >= runsMax ? 'too many requests are running' : '';
  };
  const background = startBackground({
    ...{ bus, serve, conclude, keep, metrics, logger, serves, unready },
    ids: new ResponseIds(config.responseIds.secrets),
    runsMax: config.TOLLGATE_BACKGROUND_RUNS_MAX,
    deadlineMs: config.TOLLGATE_BACKGROUND_DEADLINE_MS,
    eventBytesMax: config.TOLLGATE_UPSTREAM_ANSWER_BYTES_MAX,
  });
  scope.defer('leases of the background', () => background.leases.stop());
  const { front } = background;
  const owner = new Owner({
    bus,
    endpoints,
    serve,
    conclude,
    keep,
    background: front,
    metrics,
    logger,
    runsMax,
    bodyBytesMax,
  });

  const leases = new Leases(bus, () => owner.receipts());
  leases.start();
  scope.defer('leases', () => leases.stop());
  const running = new Running((startedBefore) => {
    owner.tellRunning(startedBefore);
    background.worker.tellRunning(startedBefore);
  });
  running.start();
  scope.defer('running', () => running.stop());
  bus.subscribe(subjects.reclaim, owner.reclaim);
  bus.subscribe(subjects.idempotencyOwner, owner.tellOwned);

  const providers = () => (bus.config.current()?.providers ?? []).map(({ name }) => name).filter(serves);
  const intake = new Intake({ bus, logger, take: owner.take, providers, unready });
  // What may be meant and should not be forgotten, as a provider without TLS: at every start, and with each revision.
  const warn = ({ revision, warnings }: ConfigSnapshot) => {
    for (const warning of warnings) logger.warn({ revision }, warning);
  };
  const started = bus.config.current();
  if (started) warn(started);
  const configured = (providers: readonly Provider[]) => {
    endpoints.configured(providers.filter(({ name }) => serves(name)));
  };
  bus.config.onChange((snapshot) => {
    configured(snapshot.providers);
    warn(snapshot);
    intake.check();
  });
  configured(bus.config.current()?.providers ?? []);
  await credentials.settled();
  credentials.start();
  scope.defer('credentials', () => credentials.stop());
  intake.start();
  background.worker.start();
  scope.health.check('intake', () => intake.ready);
  scope.health.check('credentials', () => credentials.health);
  scope.drain('requests', async () => {
    await Promise.all([intake.stop(), background.stopAnswering()]);
    const drainMs = config.health.stopTimeoutMs * drainShare;
    await Promise.all([owner.drain(drainMs), background.worker.drain(drainMs)]);
    await Promise.all([owner.interrupt(), background.worker.interrupt()]);
  });
  // Ready means that NATS knows of the subscriptions.
  await bus.flush();
  return {};
}

function poolsOptions(config: UpstreamConfig) {
  return {
    connectionsMax: config.TOLLGATE_UPSTREAM_CONNECTIONS_MAX,
    connectTimeoutMs: config.TOLLGATE_UPSTREAM_CONNECT_TIMEOUT_MS,
    proxy: {
      httpsProxy: config.HTTPS_PROXY ?? config.https_proxy,
      httpProxy: config.HTTP_PROXY ?? config.http_proxy,
      noProxy: config.NO_PROXY ?? config.no_proxy,
    },
  };
}
