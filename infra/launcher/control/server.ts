import { once } from 'node:events';
import { chmodSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { controlRequest, NotRunningError } from './client.ts';
import { preparedSocketPath } from './socket-path.ts';

const bodyBytesMax = 16_384;
const pingMsMax = 2_000;

/** Answers one kind of request; what it returns is the JSON of the answer. A thrown error is a 400 with its message. */
type ControlRoute = (parameters: Record<string, string>, body: Record<string, unknown>) => Promise<unknown>;

/** `GET /status`, `POST /engines/{name}/stop`: a part in braces matches anything and is handed on by its name. */
export type ControlRoutes = Readonly<Record<string, ControlRoute>>;

export interface ControlServer {
  close(): Promise<void>;
}

/** Another launcher serves this home folder. */
export class AlreadyRunningError extends Error {
  override readonly name = 'AlreadyRunningError';
}

/**
 * Listens on the home folder's control socket (mode 0600): small JSON over HTTP. Taking the socket is also what keeps a
 * second launcher off the same home. Throws an AlreadyRunningError when one answers there.
 */
export async function serveControl(home: string, routes: ControlRoutes): Promise<ControlServer> {
  const socket = preparedSocketPath(home);
  const server = createServer((request, response) => {
    void handle(routes, request, response);
  });
  const listen = async () => {
    server.listen(socket);
    await once(server, 'listening');
  };
  try {
    await listen();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    if (await answers(home)) throw new AlreadyRunningError(`Tollgate is running already in ${home}.`);
    // What a killed launcher left behind.
    rmSync(socket, { force: true });
    await listen();
  }
  chmodSync(socket, 0o600);
  return {
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

async function handle(routes: ControlRoutes, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const answer = (status: number, value: unknown) => {
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(`${JSON.stringify(value)}\n`);
  };
  try {
    const found = match(routes, request.method ?? '', (request.url ?? '').split('?')[0] ?? '');
    if (!found) return answer(404, { error: 'There is no such command.' });
    answer(200, (await found.route(found.parameters, await readBody(request))) ?? {});
  } catch (error) {
    answer(400, { error: (error as Error).message });
  }
}

function match(routes: ControlRoutes, method: string, path: string) {
  for (const [pattern, route] of Object.entries(routes)) {
    const [wantedMethod, wantedPath = ''] = pattern.split(' ');
    const names: string[] = [];
    const expression = wantedPath.replace(/\{(\w+)\}/g, (_, name: string) => {
      names.push(name);
      return '([^/]+)';
    });
    const found = new RegExp(`^${expression}$`).exec(path);
    if (method !== wantedMethod || !found) continue;
    return {
      route,
      parameters: Object.fromEntries(names.map((name, at) => [name, decodeURIComponent(found[at + 1] ?? '')])),
    };
  }
  return undefined;
}

async function readBody(request: IncomingMessage): Promise<Record<string, unknown>> {
  let text = '';
  for await (const chunk of request) {
    text += chunk;
    if (text.length > bodyBytesMax) throw new Error('The request is too large.');
  }
  return text === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
}

async function answers(home: string): Promise<boolean> {
  try {
    await controlRequest(home, 'GET', '/ping', undefined, pingMsMax);
    return true;
  } catch (error) {
    // One that is there and does not answer in time is busy or stopped, and still owns the home.
    return !(error instanceof NotRunningError);
  }
}
