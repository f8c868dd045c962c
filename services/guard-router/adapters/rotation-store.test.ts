import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { after, before, beforeEach, describe, type TestContext, test } from 'node:test';
import { RedisConnection } from '@tollgate/redis';
import { createLogger, createMetrics } from '@tollgate/telemetry';
import { startEngines, type TestEngines } from '@tollgate/testing/engines';
import { type Report, RotationStore } from './rotation-store.ts';

const logger = createLogger({ service: 'test', replica: 'test', level: 'silent' });
const nowMs = 1_700_000_000_000;
const models = ['azure/a', 'azure/b', 'azure/c'];
let engines: TestEngines;
let redis: RedisConnection;
let store: RotationStore;

before(async () => {
  engines = await startEngines({ only: ['redis'] });
  redis = await connect();
  store = new RotationStore(redis);
});
after(async () => {
  redis.close();
  await engines.close();
});
beforeEach(() => redis.command('FLUSHALL'));

async function connect(): Promise<RedisConnection> {
  const { url } = engines.redis;
  const connection = new RedisConnection({
    url,
    name: 'test',
    deadlineMs: 5000,
    logger,
    metrics: createMetrics('test'),
  });
  await new Promise<void>((resolve) => connection.onServer(() => resolve()));
  return connection;
}

async function anotherReplica(t: TestContext): Promise<RotationStore> {
  const connection = await connect();
  t.after(() => connection.close());
  return new RotationStore(connection);
}

const next = (atMs = nowMs, by = store) => by.next('acme', 'sample.chat', models, atMs);

function report(change: Partial<Report>): Promise<number> {
  return store.report('acme', {
    target: 'azure/a',
    outcome: 'suspend',
    untilMs: nowMs + 30_000,
    nowMs,
    requestId: 'r1',
    probe: false,
    ...change,
  });
}

async function positions(count: number, atMs = nowMs): Promise<number[]> {
  const found: number[] = [];
  for (let turn = 0; turn < count; turn++) found.push((await next(atMs)).position);
  return found;
}

describe('turns', () => {
  test('are exact over replicas: 300 at once from two, a hundred each', async (t) => {
    const other = await anotherReplica(t);
    const turns = await Promise.all(Array.from({ length: 300 }, (_, at) => next(nowMs, at % 2 ? store : other)));
    const counts = [0, 1, 2].map((position) => turns.filter((turn) => turn.position === position).length);
    assert.deepEqual(counts, [100, 100, 100]);
  });

  test('of proxies are apart, those of one go on', async () => {
    assert.deepEqual(await positions(4), [0, 1, 2, 0]);
    assert.equal((await store.next('acme', 'sample.other', models, nowMs)).position, 0);
    assert.equal((await store.next('other', 'sample.chat', models, nowMs)).position, 0);
    assert.deepEqual(await positions(1), [1]);
  });

  test('skip what is suspended, and share its turns', async () => {
    await report({ target: 'azure/b' });
    assert.deepEqual(await positions(4), [0, 2, 0, 2]);
  });

  test('go on when the list became shorter', async () => {
    await positions(3);
    assert.equal((await store.next('acme', 'sample.chat', models.slice(0, 2), nowMs)).position, 1);
  });

  test('say so when all are suspended, until when, and take no turn', async () => {
    for (const [at, target] of models.entries()) await report({ target, untilMs: nowMs + 1000 * (at + 1) });
    const turn = await next();
    assert.equal(turn.position, -1);
    assert.deepEqual(
      turn.standings.map(({ untilMs }) => untilMs - nowMs),
      [1000, 2000, 3000],
    );
    await redis.command('DEL', 'tg:v1:{acme}:suspended');
    assert.deepEqual(await positions(1), [0]);
  });
});

describe('suspension', () => {
  test('the later deadline wins', async () => {
    assert.equal(await report({ untilMs: nowMs + 60_000 }), nowMs + 60_000);
    assert.equal(await report({ untilMs: nowMs + 30_000 }), nowMs + 60_000);
    assert.equal(await report({ untilMs: nowMs + 90_000 }), nowMs + 90_000);
  });

  test('a suspicion alone, or twice by one request, suspends nothing', async () => {
    assert.equal(await report({ outcome: 'suspect' }), 0);
    assert.equal(await report({ outcome: 'suspect', nowMs: nowMs + 100 }), 0);
    assert.deepEqual(await positions(3), [0, 1, 2]);
  });

  test('suspicions of two requests within ten seconds suspend, later ones do not', async () => {
    await report({ outcome: 'suspect', requestId: 'r1' });
    assert.equal(await report({ outcome: 'suspect', requestId: 'r2', nowMs: nowMs + 10_001 }), 0);
    const until = await report({ outcome: 'suspect', requestId: 'r3', nowMs: nowMs + 20_001 });
    assert.equal(until, nowMs + 30_000);
  });

  test('suspicions of different targets do not add up', async () => {
    await report({ outcome: 'suspect', requestId: 'r1', target: 'azure/a' });
    assert.equal(await report({ outcome: 'suspect', requestId: 'r2', target: 'azure/b' }), 0);
  });
});

describe('a suspension that has run out', () => {
  const laterMs = nowMs + 31_000;

  test('is probed by one request of fifty, the others go elsewhere', async (t) => {
    await report({});
    const other = await anotherReplica(t);
    const turns = await Promise.all(Array.from({ length: 50 }, (_, at) => next(laterMs, at % 2 ? store : other)));
    const probes = turns.filter(({ probe }) => probe);
    assert.deepEqual(
      probes.map(({ position }) => position),
      [0],
    );
    assert.equal(turns.filter(({ position }) => position === 0).length, 1);
  });

  test('ends with a good probe', async () => {
    await report({});
    assert.equal((await next(laterMs)).probe, true);
    assert.equal(await report({ outcome: 'ok', probe: true, nowMs: laterMs }), 0);
    assert.deepEqual(await positions(3, laterMs), [1, 2, 0]);
    assert.equal((await redis.command('HLEN', 'tg:v1:{acme}:suspended')) as number, 0);
  });

  test('is renewed by a bad one, an unclear failure included', async () => {
    await report({});
    await next(laterMs);
    const until = await report({ outcome: 'suspect', probe: true, nowMs: laterMs, untilMs: laterMs + 30_000 });
    assert.equal(until, laterMs + 30_000);
    assert.deepEqual(await positions(2, laterMs + 1), [1, 2]);
    assert.equal((await next(laterMs + 30_001)).probe, true);
  });

  test('is not ended by a probe that began before it was suspended again', async () => {
    await report({});
    await next(laterMs);
    await report({ requestId: 'r2', nowMs: laterMs, untilMs: laterMs + 30_000 });
    assert.equal(await report({ outcome: 'ok', probe: true, nowMs: laterMs + 100 }), laterMs + 30_000);
    assert.deepEqual(await positions(2, laterMs + 200), [1, 2]);
  });

  test('is probed again when the probe never told its outcome', async () => {
    await report({});
    await next(laterMs);
    assert.deepEqual(await positions(2, laterMs + 29_999), [1, 2]);
    assert.equal((await next(laterMs + 30_000)).probe, true);
  });
});

test('scripts use only commands of Redis 7.2', async () => {
  const files = globSync('*.lua', { cwd: import.meta.dirname });
  assert.ok(files.length > 0);
  for (const file of files) {
    const lua = readFileSync(`${import.meta.dirname}/${file}`, 'utf8');
    for (const [, command] of lua.matchAll(/redis\.call\('(\w+)'/g)) {
      const docs = (await redis.command('COMMAND', 'DOCS', command as string)) as [string, string[]];
      const since = docs[1][docs[1].indexOf('since') + 1] ?? '';
      const [major = 99, minor = 0] = since.split('.').map(Number);
      assert.ok(major < 7 || (major === 7 && minor <= 2), `${file} uses ${command}, which is there since ${since}`);
    }
  }
});
