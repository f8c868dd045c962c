import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { probeNats, probeRedis } from '@tollgate/engines';
import { startEngines, type TestEngines } from './index.ts';

let engines: TestEngines;
before(async () => {
  engines = await startEngines({ only: ['nats', 'redis'] });
});
after(() => engines?.close());

const natsAnswers = () => probeNats({ host: '127.0.0.1', port: Number(new URL(engines.nats.url).port) });
const redisAnswers = () => {
  const { port } = new URL(engines.redis.url);
  return probeRedis({ host: '127.0.0.1', port: Number(port), ...engines.redis.credentials });
};

test('the engines that a test names answer with their credentials', async () => {
  assert.equal((await natsAnswers()).jetstream, true);
  assert.equal((await redisAnswers()).product, 'redis');
  assert.equal(engines.nats.userFor('test').password, engines.nats.credentials.password);
  assert.throws(() => engines.cacheRedis, /started no cacheRedis/);
});

test('an engine that was killed or stopped is gone, and back on the same address', async () => {
  await engines.nats.kill();
  await assert.rejects(natsAnswers());
  await engines.nats.start();
  await natsAnswers();
  await engines.redis.stop();
  await assert.rejects(redisAnswers());
  await engines.redis.start();
  await redisAnswers();
});
