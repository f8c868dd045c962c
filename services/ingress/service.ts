import { readFile } from 'node:fs/promises';
import { Acceptance, connectBus, Loopback } from '@tollgate/bus';
import type { Scope } from '@tollgate/lifecycle';
import type { FastifyInstance } from 'fastify';
import { createHttpServer, type HttpOptions } from './adapters/http.ts';
import { Pings } from './adapters/pings.ts';
import { readConfig } from './config.ts';
import { handleCall } from './handlers/call.ts';

export async function start(scope: Scope): Promise<{ address: string }> {
  const config = readConfig(scope.environment);
  const bus = await connectBus({
    env: config.nats,
    service: 'ingress',
    replica: scope.replica,
    logger: scope.logger,
    metrics: scope.metrics,
    loopback: scope.shared(Loopback),
  });
  scope.defer('bus', () => bus.close());
  scope.health.check('nats', () => bus.connected() || 'NATS is away');

  const acceptance = new Acceptance();
  bus.onNoResponders((requestId) => acceptance.refuse(requestId));
  const dependencies = { bus, acceptance, pings: new Pings() };
  const options: HttpOptions = {
    bodyBytesMax: config.TOLLGATE_BODY_BYTES_MAX,
    requestTimeoutMs: config.TOLLGATE_REQUEST_TIMEOUT_MS,
    onCall: (incoming, response, path, body) => handleCall(dependencies, incoming, response, path, body),
  };
  // Node's own option, which Fastify hands on and its types do not know.
  const shared = { reusePort: config.TOLLGATE_REUSE_PORT };
  const listen = async (name: string, app: FastifyInstance, port: number) => {
    const address = await app.listen({ host: config.replica.host, port, ...shared });
    scope.drain(name, () => app.close());
    return address;
  };
  const address = await listen('http', createHttpServer(options), config.TOLLGATE_PORT);
  if (config.TOLLGATE_TLS_CERT_FILE && config.TOLLGATE_TLS_KEY_FILE) {
    const [cert, key] = await Promise.all([
      readFile(config.TOLLGATE_TLS_CERT_FILE),
      readFile(config.TOLLGATE_TLS_KEY_FILE),
    ]);
    await listen('https', createHttpServer({ ...options, tls: { cert, key } }), config.TOLLGATE_TLS_PORT);
  }
  return { address };
}
