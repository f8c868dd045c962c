import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { cacheFolder } from './host/cache-folder.mjs';
import { natsEngine } from './nats.ts';
import { probeNats } from './probes/nats.ts';
import { probeRedis } from './probes/redis.ts';
import { addressOf, exchange } from './probes/socket.ts';
import { redisEngine } from './redis.ts';
import type { Engine, EngineContext, NatsEngine } from './types.ts';
import { compareVersions, versionMin } from './versions.ts';

const { TOLLGATE_NATS_URL: _n, TOLLGATE_REDIS_URL: _r, TOLLGATE_CACHE_REDIS_URL: _c, ...env } = process.env;
let context: EngineContext;
let nats: NatsEngine;
let redis: Engine;
let cacheRedis: Engine;

before(async () => {
  const home = mkdtempSync(path.join(tmpdir(), 'tollgate-engines-'));
  context = { home, cache: cacheFolder(), env, supervised: false };
  nats = await natsEngine(context, [
    { name: 'launcher', publish: ['>'], subscribe: ['>'] },
    { name: 'ingress', publish: ['tg.v1.request'], subscribe: [] },
  ]);
  redis = await redisEngine(context, 'redis');
  cacheRedis = await redisEngine(context, 'cacheRedis');
  await Promise.all([nats.start(), redis.start(), cacheRedis.start()]);
});

after(async () => {
  await Promise.all([nats, redis, cacheRedis].map((engine) => engine?.stop()));
  rmSync(context.home, { recursive: true, force: true });
});

/** What Redis answers to one line, after the password was given. */
async function askRedis(engine: Engine, command: string): Promise<string> {
  const { password } = new URL(engine.url);
  const answer = await exchange(
    addressOf(engine.url, 0),
    `AUTH ${password}\r\n${command}\r\nPING\r\n`,
    (text) => text.includes('+PONG'),
    2000,
  );
  return answer.replace('+OK\r\n', '').replace('+PONG\r\n', '').trim();
}

test('every engine answers, in a sufficient version', async () => {
  const { version, jetstream } = await probeNats(addressOf(nats.url, 0));
  assert.ok(compareVersions(version, versionMin.nats) >= 0 && jetstream);
  for (const engine of [redis, cacheRedis]) {
    const { password, hostname, port } = new URL(engine.url);
    const info = await probeRedis({ host: hostname, port: Number(port), password });
    assert.ok(compareVersions(info.version, versionMin.redis) >= 0);
  }
});

test('Redis refuses who has no password', async () => {
  await assert.rejects(probeRedis(addressOf(redis.url, 0)), /NOAUTH/);
});

test('NATS refuses who has no password, and a service’s subject of another', async () => {
  const ask = (user: object, lines: string) =>
    exchange(
      addressOf(nats.url, 0),
      `CONNECT ${JSON.stringify({ verbose: false, pedantic: false, ...user })}\r\n${lines}PING\r\n`,
      (text) => /-ERR|PONG/.test(text),
      2000,
    );
  assert.match(await ask({}, ''), /Authorization Violation/);
  const { name, password } = nats.userFor('ingress');
  assert.match(await ask({ user: name, pass: password }, 'PUB tg.v1.request 2\r\nhi\r\n'), /PONG/);
  assert.match(
    await ask({ user: name, pass: password }, 'PUB tg.v1.usage.x 2\r\nhi\r\n'),
    /Permissions Violation for Publish/,
  );
  assert.match(
    await ask({ user: name, pass: password }, 'SUB tg.v1.request 1\r\n'),
    /Permissions Violation for Subscription/,
  );
});

test('budgets never evict and are on disk every second; the cache is bounded', async () => {
  assert.match(await askRedis(redis, 'CONFIG GET maxmemory-policy'), /noeviction/);
  assert.match(await askRedis(redis, 'CONFIG GET appendonly'), /yes/);
  assert.match(await askRedis(redis, 'CONFIG GET appendfsync'), /everysec/);
  assert.match(await askRedis(cacheRedis, 'CONFIG GET maxmemory-policy'), /allkeys-lfu/);
  assert.match(await askRedis(cacheRedis, 'CONFIG GET maxmemory'), /268435456/);
});

test('the cache’s Redis has vector sets', async () => {
  assert.match(await askRedis(cacheRedis, 'VCARD nothing'), /:0/);
});

test('every file and folder of the home is its owner’s only', () => {
  const open: string[] = [];
  for (const entry of readdirSync(context.home, { recursive: true, withFileTypes: true })) {
    const file = path.join(entry.parentPath, entry.name);
    if (statSync(file).mode & 0o077) open.push(file);
  }
  assert.deepEqual(open, []);
});

test('an engine that was stopped comes back on the same port with its data', async () => {
  await askRedis(redis, 'SET kept 1');
  await redis.stop();
  assert.equal(redis.pid, undefined);
  await redis.start();
  assert.match(await askRedis(redis, 'GET kept'), /1/);
});

test('an engine that was killed stays down until it is started', async () => {
  const { pid } = nats;
  await nats.kill();
  assert.equal(nats.ready, false);
  await assert.rejects(probeNats(addressOf(nats.url, 0)));
  await nats.start();
  assert.notEqual(nats.pid, pid);
  await probeNats(addressOf(nats.url, 0));
});
