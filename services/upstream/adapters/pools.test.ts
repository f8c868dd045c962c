import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import type { ProxyVariables } from '../domain/proxy-for.ts';
import { Pools } from './pools.ts';
import { ProviderCall } from './provider-call.ts';

const noProxy: ProxyVariables = { httpsProxy: undefined, httpProxy: undefined, noProxy: undefined };

async function serverFor(t: TestContext, listener?: RequestListener): Promise<{ server: Server; url: string }> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

function poolsFor(t: TestContext, proxy = noProxy): Pools {
  const pools = new Pools({ connectionsMax: 4, connectTimeoutMs: 1000, proxy });
  t.after(() => pools.close());
  return pools;
}

/** The text of an answer. @throws what broke the call */
function call(pools: Pools, origin: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let text = '';
  const provider = new ProviderCall({
    onHead: () => {},
    onData: (chunk) => {
      text += chunk;
      return true;
    },
    onEnd: () => resolve(text),
    onBroken: reject,
  });
  provider.start(pools.get({ origin, target: '' }), {
    origin,
    method: 'POST',
    path: '/x',
    headers: ['api-key', 'k'],
    body: Buffer.from('{}'),
  });
  return promise;
}

test('a connection is kept and used again', async (t) => {
  let connections = 0;
  const { server, url } = await serverFor(t, (request, response) => {
    request.resume().on('end', () => response.end('ok'));
  });
  server.on('connection', () => connections++);
  const pools = poolsFor(t);
  for (let round = 0; round < 10; round++) assert.equal(await call(pools, url), 'ok');
  // The second call may begin before the first one's connection is known to be free.
  assert.ok(connections <= 2, `${connections} connections`);
});

test('calls leave through the proxy of their scheme; for https it sees neither key nor body', async (t) => {
  const proxy = await serverFor(t, (request, response) => response.end(`asked for ${request.url}`));
  const tunnels: { to: string | undefined; headers: IncomingHttpHeaders }[] = [];
  proxy.server.on('connect', (request, socket) => {
    tunnels.push({ to: request.url, headers: request.headers });
    socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
  });
  const provider = await serverFor(t, (_request, response) => response.end('reached directly'));
  const pools = poolsFor(t, { httpsProxy: proxy.url, httpProxy: proxy.url, noProxy: undefined });
  assert.equal(await call(pools, 'http://provider.example:8000'), 'asked for http://provider.example:8000/x');
  await assert.rejects(call(pools, 'https://provider.example'));
  assert.equal(tunnels[0]?.to, 'provider.example:443');
  assert.equal(tunnels[0]?.headers['api-key'], undefined);
  assert.equal(await call(pools, provider.url), 'reached directly', 'the machine itself needs no proxy');
});

test('what the configuration does not name any more is closed when its calls are over', async (t) => {
  const held = Promise.withResolvers<void>();
  const { url } = await serverFor(t, (_request, response) => void held.promise.then(() => response.end('late')));
  const pools = poolsFor(t);
  const before = pools.get({ origin: url, target: '' });
  const asked = call(pools, url);
  pools.keepOnly([]);
  assert.notEqual(pools.get({ origin: url, target: '' }), before);
  held.resolve();
  assert.equal(await asked, 'late');
});

test('a call that is given up while it waits for a connection never leaves', async (t) => {
  const arrived: string[] = [];
  const held = Promise.withResolvers<void>();
  const { url } = await serverFor(t, (request, response) => {
    arrived.push(String(request.headers['x-call']));
    void held.promise.then(() => response.end());
  });
  const pools = new Pools({ connectionsMax: 1, connectTimeoutMs: 1000, proxy: noProxy });
  t.after(() => pools.close());
  const start = (name: string) => {
    const ended = Promise.withResolvers<void>();
    const provider = new ProviderCall({
      onHead: () => {},
      onData: () => true,
      onEnd: ended.resolve,
      onBroken: ended.reject,
    });
    provider.start(pools.get({ origin: url, target: '' }), {
      origin: url,
      method: 'POST',
      path: '/',
      headers: ['x-call', name],
      body: Buffer.from('{}'),
    });
    return { provider, ended: ended.promise };
  };
  const first = start('first');
  const waiting = start('waiting');
  assert.equal(waiting.provider.sent, false);
  waiting.provider.abort();
  held.resolve();
  await first.ended;
  await start('last').ended;
  assert.deepEqual(arrived, ['first', 'last']);
});

test('each model has connections of its own: one that hangs takes none of the others', async (t) => {
  const { promise: held, resolve: release } = Promise.withResolvers<void>();
  const { url } = await serverFor(t, (request, response) => {
    if (request.headers['x-call'] === 'hangs') void held.then(() => response.end());
    else response.end();
  });
  const pools = new Pools({ connectionsMax: 1, connectTimeoutMs: 1000, proxy: noProxy });
  t.after(() => pools.close());
  const start = (target: string, name: string) => {
    const ended = Promise.withResolvers<void>();
    const provider = new ProviderCall({
      onHead: () => {},
      onData: () => true,
      onEnd: ended.resolve,
      onBroken: ended.reject,
    });
    provider.start(pools.get({ origin: url, target }), {
      origin: url,
      method: 'POST',
      path: '/',
      headers: ['x-call', name],
      body: null,
    });
    return ended.promise;
  };
  const hanging = start('azure slow', 'hangs');
  const behind = start('azure slow', 'waits');
  await start('azure fast', 'passes');
  pools.keepOnly([{ origin: url, target: 'azure slow' }]);
  await start('azure fast', 'passes');
  release();
  await Promise.all([hanging, behind]);
});
