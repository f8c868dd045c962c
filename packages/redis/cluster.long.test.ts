import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createLogger, createMetrics } from '@tollgate/telemetry';
import { startRedisCluster, type TestRedisCluster } from '@tollgate/testing/engines';
import { RedisConnection } from './connection.ts';
import { StoreFault } from './fault.ts';

const logger = createLogger({ service: 'test', replica: 'test', level: 'silent' });
/** By CRC16: each has its slot on another of three primaries. */
const tags = ['organization-0', 'organization-3', 'organization-2'];
let cluster: TestRedisCluster;

before(async () => {
  cluster = await startRedisCluster({ replicas: true });
  for (const url of [...cluster.urls, ...cluster.replicaUrls]) await formed(url);
});
after(() => cluster.close());

function connect(url: string, hashTag?: () => string | undefined): RedisConnection {
  return new RedisConnection({
    ...{ url, name: 'test', deadlineMs: 5000, logger, metrics: createMetrics('test') },
    ...(hashTag && { hashTag }),
  });
}

/** Waits until a node has met the others and knows what they have; the test's own time limit ends it. */
async function formed(url: string): Promise<void> {
  const redis = connect(url);
  await until(async () => redis.ready() && String(await redis.command('CLUSTER', 'INFO')).includes('state:ok'));
  await until(async () =>
    String(await redis.command('INFO', 'replication')).match(/master_link_status:up|role:master/),
  );
  redis.close();
}

async function until(reached: () => unknown): Promise<void> {
  while (!(await reached())) await new Promise((resolve) => setTimeout(resolve, 20));
}

async function faultOf(call: Promise<unknown>): Promise<StoreFault> {
  const error = await call.then(
    () => assert.fail('expected a fault'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof StoreFault);
  return error;
}

const limit = { timeout: 60_000 };

test('whatever node is named, and a replica too, it goes to the one that has the slot', limit, async (t) => {
  const runIds = new Set<string>();
  for (const tag of tags) {
    const own = new Set<string>();
    for (const url of [...cluster.urls, ...cluster.replicaUrls]) {
      const redis = connect(url, () => tag);
      t.after(() => redis.close());
      await until(() => redis.ready());
      await redis.command('SET', `{${tag}}:x`, '1');
      own.add(redis.runId);
    }
    assert.equal(own.size, 1);
    for (const runId of own) runIds.add(runId);
  }
  assert.equal(runIds.size, 3);
});

test(
  'when it is told the slot only later, the first call elsewhere does nothing and shows the way',
  limit,
  async (t) => {
    for (const tag of tags) {
      const redis = connect(cluster.urls[0] as string);
      t.after(() => redis.close());
      const met: string[] = [];
      redis.onServer((runId) => met.push(runId));
      await until(() => redis.ready());
      const first = redis.runId;
      const set = () => redis.command('SET', `{${tag}}:y`, '1');
      const answers = await Promise.allSettled([set(), set(), set()]);
      if (answers[0]?.status === 'fulfilled') continue;
      for (const answer of answers) assert.ok(answer.status === 'rejected' && answer.reason.reason === 'refused');
      assert.equal((await faultOf(set())).reason, 'away');
      await until(() => redis.ready());
      assert.equal(await set(), 'OK');
      assert.deepEqual([met.length, met[0], met[1]], [2, first, redis.runId]);
      assert.notEqual(redis.runId, first);
    }
  },
);

test(
  'when a node dies it goes to the replica that took over, and says that this is another server',
  limit,
  async (t) => {
    const tag = tags[0] as string;
    const urls = cluster.urls.join(',');
    const redis = connect(urls, () => tag);
    t.after(() => redis.close());
    await until(() => redis.ready());
    const port = Number(String(await redis.command('INFO', 'server')).match(/tcp_port:(\d+)/)?.[1]);
    const owner = cluster.urls.find((url) => url.endsWith(`:${port}`)) as string;
    await redis.command('SET', `{${tag}}:z`, 'kept');
    assert.equal(await redis.command('WAIT', 1, 5000), 1);
    const before = redis.runId;
    await cluster.kill(owner);
    await until(() => !redis.ready());
    await until(() => redis.ready());
    assert.notEqual(redis.runId, before);
    assert.equal(await redis.command('GET', `{${tag}}:z`), 'kept');

    const one = connect(owner, () => tag);
    t.after(() => one.close());
    const fault = await faultOf(one.command('PING'));
    assert.equal(fault.reason, 'away');
  },
);
