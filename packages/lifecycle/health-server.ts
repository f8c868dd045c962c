import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Logger, Metrics } from '@tollgate/telemetry';
import type { Health } from './health.ts';

export interface HealthServerOptions {
  host: string;
  /** 0 = any free one. */
  port: number;
  health: Health;
  metrics: Metrics;
  logger: Logger;
}

export interface HealthServer {
  port: number;
  close(): Promise<void>;
}

/** Probes and one or two scrapers; more is a mistake or an attack. */
const CONNECTIONS_MAX = 64;

/** /livez, /readyz, /metrics. @throws when the port is taken */
export async function serveHealth(options: HealthServerOptions): Promise<HealthServer> {
  const server = createServer({ requestTimeout: 5000, headersTimeout: 5000, keepAliveTimeout: 5000 });
  server.maxConnections = CONNECTIONS_MAX;
  const readyz = readinessAnswer(options);
  server.on('request', (request, response) => {
    const path = request.url?.split('?', 1)[0];
    if (request.method !== 'GET' && request.method !== 'HEAD') answer(response, 405, 'text/plain', 'GET only\n');
    else if (path === '/livez') answer(response, 200, 'text/plain', 'ok\n');
    else if (path === '/readyz') readyz(response);
    else if (path === '/metrics') void answerMetrics(response, options);
    else answer(response, 404, 'text/plain', 'here are /livez, /readyz and /metrics\n');
  });
  await listen(server, options);
  return { port: (server.address() as AddressInfo).port, close: () => close(server) };
}

async function listen(server: Server, { host, port }: HealthServerOptions): Promise<void> {
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    throw new Error(
      `Port ${port} of ${host} is taken; set TOLLGATE_HEALTH_PORT to another one, or to 0 for a free one`,
    );
  }
}

function readinessAnswer({ health, logger }: HealthServerOptions): (response: ServerResponse) => void {
  let before: boolean | undefined;
  return (response) => {
    const readiness = health.readiness();
    if (readiness.ready !== before) {
      before = readiness.ready;
      logger.info({ checks: readiness.checks }, readiness.ready ? 'ready' : 'not ready');
    }
    answer(response, readiness.ready ? 200 : 503, 'application/json', `${JSON.stringify(readiness)}\n`);
  };
}

async function answerMetrics(response: ServerResponse, { metrics, logger }: HealthServerOptions): Promise<void> {
  try {
    answer(response, 200, metrics.contentType, await metrics.text());
  } catch (error) {
    logger.error({ err: error }, 'metrics could not be read');
    answer(response, 500, 'text/plain', 'metrics could not be read\n');
  }
}

function answer(response: ServerResponse, status: number, contentType: string, body: string): void {
  response.writeHead(status, { 'content-type': contentType, 'content-length': Buffer.byteLength(body) });
  response.end(response.req.method === 'HEAD' ? undefined : body);
}

async function close(server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}
