import process from 'node:process';
import { declareService, healthEnv, processEnvironment, readEnvironment, replicaEnv } from '@tollgate/config';
import { createLogger, createMetrics, type Logger } from '@tollgate/telemetry';
import { Health } from './health.ts';
import { serveHealth } from './health-server.ts';
import type { Scope } from './scope.ts';
import { Shared } from './shared.ts';
import { Shutdown } from './shutdown.ts';
import { within } from './within.ts';

export interface ServiceOptions {
  name: string;
  /** Opens everything; what it returns is where the service can be reached. */
  main: (scope: ProcessScope) => Promise<Started>;
}

/** Where a service can be reached. */
export interface Started {
  address?: string;
  /** The services of a process that runs several. */
  members?: { name: string; replica: string; address: string | undefined }[];
}

/** The scope of a whole process. */
export interface ProcessScope extends Scope {
  /** Drains of a stage start when those of the stages before it are done. */
  drain(name: string, drain: () => unknown, stage?: number): void;
}

/** Told to a parent process over IPC once the service takes work. */
export interface ReadyMessage {
  type: 'ready';
  /** As `main` returned them. */
  address?: string;
  members?: Started['members'];
  /** Base URL of /livez, /readyz and /metrics. */
  health: string;
}

const LAST_LINES_MS_MAX = 500;

/**
 * The whole life of a service's process. Ends it: with 0 after a clean stop (SIGTERM, SIGINT, or the parent's IPC
 * channel closed), with 1 after a crash, a failed start or a stop in which something hung or failed.
 */
export async function runService({ name, main }: ServiceOptions): Promise<void> {
  declareService(name);
  const { health: env, replica: identity } = readOrExit(name);
  const metrics = createMetrics(name);
  const dropped = metrics.counter('tollgate_log_lines_dropped_total', 'Log lines dropped as nobody read them');
  const logger = createLogger({
    service: name,
    replica: identity.replica,
    level: env.logLevel,
    onDropped: () => dropped.inc(),
  });
  const health = new Health();
  const shutdown = new Shutdown({ logger, timeoutMs: env.stopTimeoutMs, now: Date.now });
  const stopping = new AbortController();

  let failed = false;
  let stopped: Promise<void> | undefined;
  const stop = (reason: string): Promise<void> => {
    stopped ??= (async () => {
      logger.info({ reason }, 'stopping');
      health.draining();
      stopping.abort();
      const clean = await shutdown.run();
      logger.info({ reason, clean }, 'stopped');
      await written(logger);
      process.exit(clean && !failed ? 0 : 1);
    })();
    return stopped;
  };
  const fail = (error: unknown, what: string): Promise<void> => {
    failed = true;
    logger.fatal({ err: error }, what);
    return stop(what);
  };
  onEnd(logger, stop);

  const shared = new Shared();
  const scope: ProcessScope = {
    name,
    replica: identity.replica,
    environment: processEnvironment(),
    logger,
    metrics,
    health,
    stopping: stopping.signal,
    defer: (part, close) => shutdown.defer(part, close),
    drain: (part, drain, stage) => shutdown.drain(part, drain, stage),
    shared: (type) => shared.of(type),
    fail: (error) => void fail(error, 'a part failed for good'),
  };
  try {
    const server = await serveHealth({ host: env.host, port: env.port, health, metrics, logger });
    scope.defer('health server', () => server.close());
    const { address, members } = await main(scope);
    if (stopping.signal.aborted) return;
    health.started();
    const base = `http://${env.announceHost.includes(':') ? `[${env.announceHost}]` : env.announceHost}:${server.port}`;
    logger.info({ address, health: base }, 'started');
    tellParent({ type: 'ready', address, members, health: base });
  } catch (error) {
    // A start that is stopped half-way fails of that.
    if (stopping.signal.aborted) logger.debug({ err: error }, 'start interrupted');
    else await fail(error, 'could not start');
  }
}

function readOrExit(name: string) {
  try {
    return readEnvironment({ ...healthEnv, ...replicaEnv });
  } catch (error) {
    process.stderr.write(`${name}: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  }
}

/** A line that is being written when the process exits may be lost with it. Whoever reads them may hang: not for long. */
async function written(logger: Logger): Promise<void> {
  const flushed = Promise.withResolvers<void>();
  logger.flush(() => flushed.resolve());
  await within('writing the last lines', LAST_LINES_MS_MAX, flushed.promise).catch(() => {});
}

function onEnd(logger: Logger, stop: (reason: string) => Promise<void>): void {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void stop(signal));
  // Whoever started this process is gone: nobody would stop it any more.
  process.on('disconnect', () => void stop('parent gone'));
  // After either the state is unknown, so nothing is closed that might write it down.
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(event, (error: unknown) => {
      logger.fatal({ err: error }, event);
      void written(logger).then(() => process.exit(1));
    });
  }
}

function tellParent(message: ReadyMessage): void {
  // A parent that went away meanwhile is reported by `disconnect`.
  process.send?.(message, undefined, undefined, () => {});
}
