import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { renderError, TollgateError, toErrorDetail } from '@tollgate/errors';
import Fastify, { type FastifyError, type FastifyInstance } from 'fastify';
import { type CallPath, parsePath } from '../domain/path.ts';
import { mintRequestId } from '../domain/request-id.ts';
import { shapeOfUrl } from '../domain/shape.ts';
import { transportRefusal } from '../domain/transport.ts';

export interface HttpOptions {
  bodyBytesMax: number;
  requestTimeoutMs: number;
  /** HTTPS when given. */
  tls?: { cert: Buffer; key: Buffer };
  onCall(incoming: IncomingMessage, response: ServerResponse, path: CallPath, body: Uint8Array): void;
}

/** Load balancers keep idle connections for 60 s; ours must outlive theirs. */
const keepAliveMs = 75_000;
/** How often a server that is closing looks for connections whose answer has ended. */
const idleSweepMs = 50;
const noBody = new Uint8Array(0);

/** The HTTP edge: sizes, times and shapes are checked here once, and every refusal has the one error shape. */
export function createHttpServer(options: HttpOptions): FastifyInstance {
  const timeouts = {
    connectionsCheckingInterval: Math.min(1000, options.requestTimeoutMs),
    // Node exchanges the two bounds when the one for headers is the longer.
    headersTimeout: Math.min(60_000, options.requestTimeoutMs),
  };
  const app = Fastify({
    bodyLimit: options.bodyBytesMax,
    requestTimeout: options.requestTimeoutMs,
    connectionTimeout: 0,
    keepAliveTimeout: keepAliveMs,
    exposeHeadRoutes: false,
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    http: timeouts,
    https: options.tls ? { ...options.tls, ...timeouts } : null,
    clientErrorHandler(error: NodeJS.ErrnoException, socket: Socket) {
      const refusal = connectionRefusal(error, socket.bytesWritten > 0);
      if (socket.writable && refusal) socket.end(rawAnswer(refusal));
      else socket.destroy();
    },
  } as Parameters<typeof Fastify>[0]) as unknown as FastifyInstance;

  // Node closes the connections that are idle when a close begins, and leaves those open whose answer ends later.
  let isClosing = false;
  app.addHook('preClose', async () => {
    isClosing = true;
    const sweep = setInterval(() => app.server.closeIdleConnections(), idleSweepMs);
    app.server.once('close', () => clearInterval(sweep));
  });

  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  app.setErrorHandler<FastifyError>((error, request, reply) => {
    send(request.raw, reply.raw, requestRefusal(error, options.bodyBytesMax));
    reply.hijack();
  });
  app.setNotFoundHandler((request, reply) => {
    reply.hijack();
    send(request.raw, reply.raw, new TollgateError('not_found'));
  });
  app.all('/*', (request, reply) => {
    reply.hijack();
    if (isClosing) reply.raw.shouldKeepAlive = false;
    const refusal = transportRefusal(request.method, request.raw.headers);
    if (refusal) {
      send(request.raw, reply.raw, refusal);
      return;
    }
    const result = parsePath(request.method, request.raw.url ?? '/');
    if (result.kind === 'call')
      options.onCall(request.raw, reply.raw, result.path, (request.body as Buffer | undefined) ?? noBody);
    else if (result.kind === 'not_found') send(request.raw, reply.raw, new TollgateError('not_found'));
    else send(request.raw, reply.raw, new TollgateError('method_not_allowed', { headers: { allow: result.allow } }));
  });
  return app;
}

function send({ url = '' }: IncomingMessage, response: ServerResponse, error: TollgateError): void {
  const requestId = mintRequestId(Date.now());
  const { status, headers, body } = renderError(toErrorDetail(error), requestId, shapeOfUrl(url));
  response.writeHead(status, { ...headers, 'x-request-id': requestId, 'content-length': Buffer.byteLength(body) });
  response.end(body);
}

/** Fastify's own refusals, in our terms. */
function requestRefusal(error: FastifyError, bodyBytesMax: number): TollgateError {
  switch (error.code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      // The connection stays open and Node reads the rest away: closed at once, the caller would see a reset, not a 413.
      return new TollgateError('body_too_large', {
        message: `The request body is larger than ${bodyBytesMax} bytes, the limit of this gateway.`,
      });
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return new TollgateError('invalid_request', {
        message: 'The body does not have the length that Content-Length says.',
      });
    default:
      return error.statusCode !== undefined && error.statusCode < 500
        ? new TollgateError('invalid_request', { message: 'The request could not be read.', internal: error.message })
        : new TollgateError('internal_error', { internal: error.message });
  }
}

/**
 * What Node's HTTP parser refuses before there is a request. Undefined: nobody is listening any more, or perhaps the refusal is
 * what made the caller close its side in the middle of a body. @param hasAnswered something was written on this connection
 */
function connectionRefusal(error: NodeJS.ErrnoException, hasAnswered: boolean): TollgateError | undefined {
  switch (error.code) {
    case 'ECONNRESET':
      return undefined;
    case 'HPE_INVALID_EOF_STATE':
      if (hasAnswered) return undefined;
      return new TollgateError('invalid_request', {
        message: 'The connection ended before the body was as long as Content-Length says.',
      });
    case 'HPE_HEADER_OVERFLOW':
      return new TollgateError('headers_too_large');
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new TollgateError('request_timeout');
    default:
      return new TollgateError('invalid_request', { message: 'This is not a well-formed HTTP request.' });
  }
}

function rawAnswer(error: TollgateError): string {
  const requestId = mintRequestId(Date.now());
  const { status, headers, body } = renderError(toErrorDetail(error), requestId);
  const lines = Object.entries({ ...headers, 'x-request-id': requestId }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  return `HTTP/1.1 ${status} Error\r\n${lines.join('')}content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`;
}
