import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ClickHouseLogLevel, createClient } from '@clickhouse/client';
import { startEngines, type TestEngines } from '@tollgate/testing/engines';
import { Redis } from 'ioredis';
import { docker } from '../support/docker.ts';

/** Refusals are wanted here, and not to be printed. */
const log = { level: ClickHouseLogLevel.OFF };

let engines: TestEngines;
before(async () => {
  assert.equal(process.env.TOLLGATE_TEST_ENGINES, 'containers', 'use npm run test:containers');
  engines = await startEngines({ only: ['nats', 'redis', 'cacheRedis', 'clickhouse'] });
});
after(() => engines?.close());

test('each engine is a container that publishes the port of its URL', async () => {
  const running = await docker('ps', '--format', '{{.Ports}}');
  for (const { url } of [engines.nats, engines.redis, engines.cacheRedis, engines.clickhouse])
    assert.match(running, new RegExp(`:${new URL(url).port}->`));
});

test('Redis is set as compose and the launcher set it: budgets are kept, the cache is bounded', async () => {
  const settings = async (url: string) => {
    const redis = new Redis(url);
    try {
      const answer = (await redis.config('GET', 'appendonly', 'maxmemory', 'maxmemory-policy')) as string[];
      return Object.fromEntries(answer.flatMap((name, at) => (at % 2 === 0 ? [[name, answer[at + 1]]] : [])));
    } finally {
      redis.disconnect();
    }
  };
  const budgets = { appendonly: 'yes', maxmemory: '0', 'maxmemory-policy': 'noeviction' };
  assert.deepEqual(await settings(engines.redis.url), budgets);
  const cache = { appendonly: 'no', maxmemory: String(256 * 1024 * 1024), 'maxmemory-policy': 'allkeys-lfu' };
  assert.deepEqual(await settings(engines.cacheRedis.url), cache);
});

test('ClickHouse keeps its rows over a kill, and refuses other credentials', async () => {
  const { url } = engines.clickhouse;
  const client = createClient({ url, log });
  try {
    await client.command({
      query: 'CREATE TABLE kept (n UInt32) ENGINE MergeTree ORDER BY n SETTINGS fsync_after_insert = 1',
    });
    await client.insert({ table: 'kept', values: [{ n: 7 }], format: 'JSONEachRow' });
    await engines.clickhouse.kill();
    await assert.rejects(client.query({ query: 'SELECT 1' }));
    await engines.clickhouse.start();
    const result = await client.query({ query: 'SELECT n FROM kept', format: 'JSONEachRow' });
    assert.deepEqual(await result.json(), [{ n: 7 }]);
  } finally {
    await client.close();
  }
  const wrong = new URL(url);
  wrong.password = 'wrong';
  const stranger = createClient({ url: wrong.href, log });
  try {
    await assert.rejects(stranger.query({ query: 'SELECT 1' }), /password|Authentication/i);
  } finally {
    await stranger.close();
  }
});
