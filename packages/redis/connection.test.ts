import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { after, before, test } from 'node:test';
import { createLogger, createMetrics } from '@tollgate/telemetry';
import { startEngines, type TestEngines } from '@tollgate/testing/engines';
import { RedisConnection } from './connection.ts';
import { StoreFault } from './fault.ts';
import { scanKeys } from './scan.ts';
import type { Script } from './script.ts';

const logger = createLogger({ service: 'test', replica: 'test', level: 'silent' });
let engines: TestEngines;

before(async () => {
  engines = await startEngines({ only: ['redis'] });
});
after(() => engines.close());

function connect(url: string, deadlineMs = 5000): RedisConnection {
  return new RedisConnection({ url, name: 'test', deadlineMs, logger, metrics: createMetrics('test') });
}

/** Resolves with the run_id of the next server that is met. */
function nextServer(redis: RedisConnection): Promise<string> {
  return new Promise((resolve) => redis.onServer(resolve));
}

async function faultOf(call: Promise<unknown>): Promise<StoreFault> {
  const error = await call.then(
    () => assert.fail('expected a fault'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof StoreFault);
  assert.equal(error.code, 'store_unavailable');
  assert.ok((error.retryAfterMs ?? 0) > 0);
  return error;
}

const echo: Script = { name: 'echo', lua: 'return { KEYS[1], ARGV[1], 7 }', sha: '0'.repeat(40) };

test('runs a script that the server does not know yet, with binary arguments and answers', async () => {
  const redis = connect(engines.redis.url);
  await nextServer(redis);
  const bytes = Uint8Array.of(0, 255, 13, 10, 128);
  const [key, value, number] = (await redis.runBinary(echo, ['a'], [bytes])) as [Buffer, Buffer, number];
  assert.deepEqual([key.toString(), [...value], number], ['a', [...bytes], 7]);
  assert.deepEqual(await redis.run(echo, ['a'], ['ü']), ['a', 'ü', 7]);
  redis.close();
});

test('a script that fails is a refusal, of which nothing is uncertain', async () => {
  const redis = connect(engines.redis.url);
  await nextServer(redis);
  const fault = await faultOf(redis.run({ ...echo, lua: 'return redis.call("INCR", KEYS[1], "x")' }, ['b'], []));
  assert.equal(fault.reason, 'refused');
  assert.equal(fault.uncertain, false);
  redis.close();
});

test('finds keys by pattern', async () => {
  const redis = connect(engines.redis.url);
  await nextServer(redis);
  for (const key of ['tg:{o}:c:1', 'tg:{o}:c:2', 'tg:{p}:c:1']) await redis.command('SET', key, '1');
  const found: string[] = [];
  for await (const keys of scanKeys(redis, 'tg:{o}:c:*')) found.push(...keys);
  assert.deepEqual(found.sort(), ['tg:{o}:c:1', 'tg:{o}:c:2']);
  redis.close();
});

test('fails at once while there is no server, and meets another one after its restart', async () => {
  const redis = connect(engines.redis.url);
  const first = await nextServer(redis);
  assert.equal(redis.runId, first);
  await engines.redis.stop();
  const lost = await faultOf(redis.command('PING'));
  assert.ok(['away', 'lost'].includes(lost.reason));
  assert.equal((await faultOf(redis.command('PING'))).reason, 'away');
  assert.equal(redis.ready(), false);
  const met = nextServer(redis);
  await engines.redis.start();
  assert.notEqual(await met, first);
  assert.equal(await redis.command('PING'), 'PONG');
  redis.close();
});

test('a slow server costs its deadline three times at most, then nobody waits until it answers again', async () => {
  const redis = connect(engines.redis.url, 100);
  await nextServer(redis);
  await engines.redis.pause();
  const faults = [await faultOf(redis.command('PING'))];
  while (faults.at(-1)?.reason === 'deadline') faults.push(await faultOf(redis.command('PING')));
  const waited = faults.slice(0, -1);
  // The connection's own look at the server may have been one of the three.
  assert.ok(waited.length >= 1 && waited.length <= 3);
  assert.ok(waited.every(({ uncertain }) => uncertain));
  assert.deepEqual([faults.at(-1)?.reason, faults.at(-1)?.uncertain], ['breaker', false]);
  assert.equal(redis.ready(), false);
  await engines.redis.resume();
  while (!redis.ready()) await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(await redis.command('PING'), 'PONG');
  redis.close();
});

for (const deadlineMs of [100, 250]) {
  test(`each of many calls fails at its own deadline of ${deadlineMs} ms`, async (t) => {
    const redis = connect(engines.redis.url, deadlineMs);
    t.after(() => redis.close());
    await nextServer(redis);
    const other = connect(engines.redis.url);
    t.after(() => other.close());
    await nextServer(other);
    await other.command('CLIENT', 'PAUSE', 1000, 'ALL');
    // Beside each call a timer of its own: a busy machine makes both late, and most of them alike.
    const lateMs: Promise<number>[] = [];
    for (let calls = 0; calls < 5; calls++) {
      const startedAtMs = performance.now();
      const own = new Promise<number>((resolve) => setTimeout(() => resolve(performance.now()), deadlineMs));
      const failed = faultOf(redis.command('PING')).then((fault) => {
        assert.equal(fault.reason, 'deadline');
        const atMs = performance.now();
        assert.ok(atMs - startedAtMs >= deadlineMs, `${atMs - startedAtMs} ms`);
        return atMs;
      });
      lateMs.push(Promise.all([failed, own]).then(([failedAtMs, ownAtMs]) => failedAtMs - ownAtMs));
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    const median = (await Promise.all(lateMs)).sort((a, b) => a - b)[2] ?? Number.NaN;
    assert.ok(median <= deadlineMs / 10, `${median} ms late`);
    assert.equal((await faultOf(redis.command('PING'))).reason, 'breaker');
    while (!redis.ready()) await new Promise((resolve) => setTimeout(resolve, 20));
  });
}

test('an answer that came while this process got no time is no late one', async (t) => {
  const deadlineMs = 100;
  const redis = connect(engines.redis.url, deadlineMs);
  t.after(() => redis.close());
  await nextServer(redis);
  for (let round = 0; round < 3; round++) {
    const answer = redis.command('PING');
    // It leaves at the end of this turn; then others have the core, or a collection of garbage does.
    setImmediate(() => {
      for (const until = performance.now() + 3 * deadlineMs; performance.now() < until; );
    });
    assert.equal(await answer, 'PONG');
  }
});

test('a server that accepts and never answers is given up, and its calls fail', async () => {
  const sockets: net.Socket[] = [];
  const silent = net.createServer((socket) => sockets.push(socket)).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const redis = connect(`redis://127.0.0.1:${(silent.address() as net.AddressInfo).port}`, 100);
  await once(silent, 'connection');
  assert.equal((await faultOf(redis.command('PING'))).reason, 'away');
  assert.equal(redis.ready(), false);
  redis.close();
  for (const socket of sockets) socket.destroy();
  silent.close();
});
