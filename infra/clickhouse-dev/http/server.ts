import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Engine } from '../engine/engine.ts';
import { EngineException } from '../engine/exception.ts';
import { authenticate, type Credentials } from './auth.ts';
import { readBody } from './body.ts';
import { readQuery } from './query.ts';
import { sendAnswer, sendException } from './reply.ts';

/** Statement, settings and parameters stand in the URL; ClickHouse's own limit (http_max_uri_size) is the same. */
const HEADER_BYTES_MAX = 1024 * 1024;
/** A body must have arrived within. */
const REQUEST_MS_MAX = 300_000;
/** Longer than @clickhouse/client keeps an idle socket (2.5 s), so that it never writes into a closing one. */
const KEEP_ALIVE_MS = 10_000;

export interface ServerOptions {
  engine: Engine;
  credentials: Credentials;
  /** ClickHouse's version, as it stands at the end of error texts. */
  version: string;
}

/** The part of ClickHouse's HTTP interface that @clickhouse/client speaks: `/` and `/ping`. Not listening yet. */
export function createFace(options: ServerOptions): Server {
  const limits = { maxHeaderSize: HEADER_BYTES_MAX, requestTimeout: REQUEST_MS_MAX, keepAliveTimeout: KEEP_ALIVE_MS };
  return createServer(limits, (request, response) => {
    void answer(request, response, options);
  });
}

async function answer(request: IncomingMessage, response: ServerResponse, options: ServerOptions): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => gone.abort(EngineException.of('ABORTED', 'The client has left')));
  response.setHeader('X-ClickHouse-Server-Display-Name', 'clickhouse-dev');
  try {
    const url = new URL(request.url ?? '/', 'http://localhost');
    if (url.pathname === '/ping' || url.pathname === '/replicas_status') {
      response.setHeader('Content-Type', 'text/plain; charset=UTF-8').end('Ok.\n');
      return;
    }
    if (url.pathname !== '/') {
      response.writeHead(404, { 'Content-Type': 'text/plain; charset=UTF-8' });
      response.end(`There is no handle ${url.pathname}. Use / or /ping\n`);
      return;
    }
    response.setHeader('X-ClickHouse-Query-Id', url.searchParams.get('query_id') ?? randomUUID());
    authenticate(request.headers, url.searchParams, options.credentials);
    const body = await readBody(request);
    const query = readQuery(request.method ?? 'GET', request.headers, url.searchParams, body);
    if (query.sql.trim() === '') {
      if (request.method === 'POST') throw EngineException.of('SYNTAX_ERROR', 'Syntax error: Empty query');
      response.setHeader('Content-Type', 'text/plain; charset=UTF-8').end('Ok.\n');
      return;
    }
    await sendAnswer(request, response, query, await options.engine.run(query, gone.signal));
  } catch (error) {
    fail(request, response, EngineException.from(error), options.version);
  }
}

function fail(request: IncomingMessage, response: ServerResponse, exception: EngineException, version: string): void {
  if (response.destroyed || response.headersSent) {
    response.destroy();
    return;
  }
  // What is left of a refused body is not read: the connection ends with the answer.
  if (!request.complete) response.setHeader('Connection', 'close');
  sendException(response, exception, version);
}
