import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { RedisConnection } from '@tollgate/redis';
import { createLogger, createMetrics } from '@tollgate/telemetry';
import { startEngines, type TestEngines } from '@tollgate/testing/engines';
import { RotationStore } from './rotation-store.ts';
import { StandingStore } from './standing-store.ts';

const nowMs = 1_700_000_000_000;
const models = ['azure/a', 'azure/b'];
let engines: TestEngines;
let redis: RedisConnection;
let store: StandingStore;
let rotation: RotationStore;

before(async () => {
  engines = await startEngines({ only: ['redis'] });
  const logger = createLogger({ service: 'test', replica: 'test', level: 'silent' });
  const { url } = engines.redis;
  redis = new RedisConnection({ url, name: 'test', deadlineMs: 5000, logger, metrics: createMetrics('test') });
  await new Promise<void>((resolve) => redis.onServer(() => resolve()));
  store = new StandingStore(redis);
  rotation = new RotationStore(redis);
});
after(async () => {
  redis.close();
  await engines.close();
});
beforeEach(() => redis.command('FLUSHALL'));

const suspend = (target: string, untilMs: number) =>
  rotation.report('acme', { target, outcome: 'suspend', untilMs, nowMs, requestId: 'r', probe: false });
const turn = async (atMs = nowMs) => (await rotation.next('acme', 'p', models, atMs)).position;

test('it reads what the rotation writes, and takes no turn', async () => {
  assert.equal(await turn(), 0);
  await suspend('azure/b', nowMs + 5000);
  const { probe, standings } = await store.read('acme', ['azure/b', 'azure/a'], nowMs);
  assert.equal(probe, false);
  assert.deepEqual(
    standings.map(({ untilMs }) => untilMs),
    [nowMs + 5000, 0],
  );
  const later = nowMs + 6000;
  await rotation.report('acme', {
    target: 'azure/b',
    outcome: 'ok',
    untilMs: 0,
    nowMs: later,
    requestId: 'r',
    probe: true,
  });
  assert.equal(await turn(), 1);
});

test('a suspension that has run out is probed by one request, of whichever kind', async () => {
  for (const target of models) await suspend(target, nowMs + 1000);
  const later = nowMs + 2000;
  const reads = await Promise.all([1, 2, 3].map(() => store.read('acme', ['azure/a'], later)));
  assert.deepEqual(
    reads.map(({ probe }) => probe),
    [true, false, false],
  );
  const next = await rotation.next('acme', 'p', models, later);
  assert.deepEqual([next.position, next.probe], [1, true]);
  assert.equal((await store.read('acme', ['azure/b'], later)).probe, false);
});

test('a healthy first target leaves the probe of the second to others', async () => {
  await suspend('azure/b', nowMs + 1000);
  const later = nowMs + 2000;
  assert.equal((await store.read('acme', models, later)).probe, false);
  assert.equal((await store.read('acme', ['azure/b', 'azure/a'], later)).probe, true);
});
