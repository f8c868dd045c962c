import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { externalNats, externalRedis } from './external.ts';

/** A server that sends this to everybody who connects; returns its address. */
async function greeting(t: TestContext, text: string): Promise<string> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.write(text);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return `127.0.0.1:${(server.address() as { port: number }).port}`;
}

const info = (fields: object) => `INFO ${JSON.stringify(fields)}\r\n`;

test('a NATS that loses streams in a crash, or has none, is refused by its variable', async (t) => {
  const old = await greeting(t, info({ version: '2.10.22', jetstream: true }));
  await assert.rejects(externalNats(`nats://${old}`), /TOLLGATE_NATS_URL: this is NATS 2\.10\.22; 2\.10\.23 or later/);
  const without = await greeting(t, info({ version: '2.11.0' }));
  await assert.rejects(externalNats(`nats://${without}`), /without JetStream/);
});

test('one that is named is used with the credentials of its URL, and neither stopped nor killed', async (t) => {
  const address = await greeting(t, info({ version: '2.11.0', jetstream: true }));
  const nats = await externalNats(`nats://user:p%40ss@${address}`);
  assert.equal(nats.address, `nats://${address}`);
  assert.deepEqual(nats.userFor('ingress'), { name: 'user', password: 'p@ss' });
  await assert.rejects(nats.stop(), /named by URL/);
  await assert.rejects(nats.kill(), /named by URL/);
});

test('a Redis that refuses the password, or is none, is named by its variable', async (t) => {
  const wrong = await greeting(t, '-WRONGPASS invalid username-password pair\r\n');
  await assert.rejects(
    externalRedis('redis', `redis://:x@${wrong}`),
    /TOLLGATE_REDIS_URL: .* cannot be used: .*WRONGPASS/,
  );
  const other = await greeting(t, '+OK\r\n+PONG\r\n');
  await assert.rejects(externalRedis('cacheRedis', `redis://${other}`), /TOLLGATE_CACHE_REDIS_URL: .* is no Redis/);
});
