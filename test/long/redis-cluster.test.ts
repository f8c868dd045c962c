import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startRedisCluster, type TestRedisCluster } from '@tollgate/testing/engines';
import { Redis } from 'ioredis';
import { newSystem, type System } from '../support/system.ts';
import { until } from '../support/until.ts';

// Budgets in a Redis Cluster: the gateway is told some of its nodes, and goes on when the one that has its counters dies.

const organization = 'sampleorganization';
const leases = `tg:v1:{${organization}}:leases`;
let cluster: TestRedisCluster;
let system: System;
let key: string;

before(async () => {
  cluster = await startRedisCluster({ replicas: true });
  // The first that is named may be a replica, which has no slot of its own.
  system = await newSystem({ TOLLGATE_REDIS_URL: [cluster.replicaUrls[0], ...cluster.urls].join(',') });
  await system.start();
  ({ key } = await system.createKey('engineering', 'redis-cluster'));
});
after(async () => {
  await system?.remove();
  await cluster?.close();
});

async function send(content: string): Promise<Response> {
  const { gatewayUrl } = await system.status();
  const response = await fetch(`${gatewayUrl}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-api-key': key, 'x-tollgate-cache': 'no-store' },
    body: JSON.stringify({ model: 'gpt-4o', messages: [{ role: 'user', content }] }),
  });
  await response.arrayBuffer();
  return response;
}

/** What a node says that serves the slot of the organization; undefined: no node does, or none of these. */
async function atOwner<T>(urls: string[], ask: (redis: Redis) => Promise<T>): Promise<[url: string, T] | undefined> {
  for (const url of urls) {
    const redis = new Redis(url, { retryStrategy: null, maxRetriesPerRequest: 0 });
    redis.on('error', () => {});
    try {
      return [url, await ask(redis)];
    } catch {
      // MOVED to another, or dead.
    } finally {
      redis.disconnect();
    }
  }
  return undefined;
}

/** From here on the replica goes stale, as one does that is behind when its primary dies. */
async function cutOff(primaryUrl: string, replicaUrl: string): Promise<void> {
  const [primary, replica] = [new Redis(primaryUrl), new Redis(replicaUrl)];
  try {
    await replica.config('SET', 'masterauth', 'no longer');
    await primary.call('CLIENT', 'KILL', 'TYPE', 'replica');
  } finally {
    primary.disconnect();
    replica.disconnect();
  }
}

const ledgerTokens = async () => {
  const [row] = await system.sql<{ tokens: string; requests: string }>(
    `SELECT sum(prompt_tokens + completion_tokens) AS tokens, countIf(status = 'completed') AS requests FROM usage`,
  );
  return { tokens: Number(row?.tokens), requests: Number(row?.requests) };
};

test('no budget is lost when the node that has it dies: a replica takes over, and it is counted anew', async () => {
  let served = 0;
  const serve = async (what: string) => {
    for (let n = 0; n < 10; n++) assert.equal((await send(`${what} ${n}`)).status, 200);
    served += 10;
  };
  await serve('before');
  const found = await atOwner(cluster.urls, (redis) => redis.exists(leases));
  assert.ok(found, 'a primary has the slot');
  const [owner] = found;
  await cutOff(owner, cluster.replicaUrls[cluster.urls.indexOf(owner)] as string);
  await serve('what the replica does not hear of');
  await cluster.kill(owner);

  const statuses = new Set<number>();
  await until(
    'an answer from the replica that took over',
    async () => {
      const { status } = await send('meanwhile');
      statuses.add(status);
      if (status === 200) served++;
      return status === 200 ? true : undefined;
    },
    60_000,
  );
  statuses.delete(200);
  assert.deepEqual([...statuses], [503], 'until then nothing but an honest 503');
  await serve('after');

  const { tokens } = await until(
    'a row of each',
    async () => {
      const sums = await ledgerTokens();
      return sums.requests === served ? sums : undefined;
    },
    60_000,
  );
  const others = [...cluster.urls, ...cluster.replicaUrls].filter((url) => url !== owner);
  const spent = await until(
    'the counter says what the ledger says',
    async () => {
      const answer = await atOwner(others, async (redis) => {
        const [name] = await redis.keys(`tg:v1:{${organization}}:c:team:*engineering:tokens:1d:*`);
        const { spent, reserved } = await redis.hgetall(name ?? leases);
        return { spent: Number(spent), reserved: Number(reserved ?? 0), leases: await redis.zcard(leases) };
      });
      const [, counter] = answer ?? [];
      return counter && counter.leases === 0 && counter.spent === tokens ? counter : undefined;
    },
    60_000,
  );
  assert.equal(spent.reserved, 0);
});
