import { createHash, timingSafeEqual } from 'node:crypto';
import { renderError, TollgateError, toErrorDetail } from '@tollgate/errors';
import type { Logger } from '@tollgate/telemetry';
import Fastify, { type FastifyError, type FastifyInstance, LogController } from 'fastify';

const bodyBytesMax = 1024 * 1024;

/** Pages load their own scripts and styles from here, talk to here, and are framed by nobody. */
const pageHeaders = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
};

/** The console's HTTP face: everything below /api needs the admin token, errors have the gateway's one shape. */
export function createConsoleServer(logger: Logger, adminToken: string): FastifyInstance {
  const app = Fastify({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: bodyBytesMax,
    requestTimeout: 30_000,
    forceCloseConnections: true,
  }) as unknown as FastifyInstance;
  const expected = digest(adminToken);
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(pageHeaders);
    if (!request.url.startsWith('/api/')) return;
    reply.header('cache-control', 'no-store');
    const [scheme, token] = (request.headers.authorization ?? '').split(' ');
    if (scheme?.toLowerCase() === 'bearer' && token && timingSafeEqual(digest(token), expected)) return;
    throw new TollgateError('invalid_api_key', {
      message:
        'The admin token is missing or wrong. Send it as "Authorization: Bearer …"; `npm start` keeps it in the home folder.',
    });
  });
  app.setErrorHandler<FastifyError>((error, request, reply) => {
    const known = error instanceof TollgateError ? error : fromFastify(error, request.routeOptions.bodyLimit);
    if (known.code === 'internal_error')
      request.log.error({ err: error, url: request.routeOptions.url }, 'admin request failed');
    const { status, headers, body } = renderError(toErrorDetail(known), request.id);
    return reply.status(status).headers(headers).send(body);
  });
  app.setNotFoundHandler((request, reply) => {
    const { status, headers, body } = renderError(toErrorDetail(new TollgateError('not_found')), request.id);
    return reply.status(status).headers(headers).send(body);
  });
  return app;
}

function fromFastify(error: FastifyError, bodyLimit: number | undefined): TollgateError {
  if (error.statusCode === 413)
    return new TollgateError('body_too_large', {
      message: `The body is larger than ${bodyLimit ?? bodyBytesMax} bytes.`,
    });
  if (error.statusCode !== undefined && error.statusCode < 500)
    return new TollgateError('invalid_request', { message: error.message });
  return new TollgateError('internal_error', { internal: error.stack });
}

function digest(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
