import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cacheWithEngines, emptyFolder, pathWith } from '../fixtures/places.ts';
import { findProgram, missingEngineText } from './find.ts';
import { findOnPath } from './path.ts';

const query = {
  binary: 'nats-server',
  args: ['--version'],
  version: (printed: string) => /v(\S+)/.exec(printed)?.[1],
  versionMin: '2.10.23',
};

test('a program on PATH goes before everything else when it is new enough', async (t) => {
  const cache = cacheWithEngines(t, { nats: '2.10.27', redis: '8.0.2' }) ?? emptyFolder(t);
  const env = pathWith(t, { 'nats-server': 'nats-server: v2.11.0', 'redis-server': 'Redis server v=8.2.1 sha=0' });
  assert.deepEqual(await findProgram('nats', cache, env), {
    ...{ kind: 'binary', command: ['nats-server'], version: '2.11.0', source: 'path' },
  });
  assert.equal((await findProgram('redis', cache, env)).version, '8.2.1');
});

test('one that is too old, is another program or is not there is passed over', async (t) => {
  assert.equal(await findOnPath(query, pathWith(t, { 'nats-server': 'nats-server: v2.10.22' })), undefined);
  assert.equal(await findOnPath(query, pathWith(t, { 'nats-server': 'something else' })), undefined);
  assert.equal(await findOnPath(query, pathWith(t, {})), undefined);
});

// This machine's packages cannot be had in these: their PATH has no apt.
const oldOnPath = { 'nats-server': 'nats-server: v2.9.10', 'redis-server': 'Redis server v=7.0.15 sha=0' };
const docker = { docker: '28.0' };

test('then what was fetched before, though Docker answers', async (t) => {
  const env = pathWith(t, { ...oldOnPath, ...docker });
  const cache = cacheWithEngines(t, { nats: '2.10.27', redis: '8.0.2' });
  if (cache === undefined) return t.skip('Debian’s packages are for Linux on x64 and arm64');
  for (const [name, version] of [['nats', '2.10.27'] as const, ['redis', '8.0.2'] as const]) {
    const found = await findProgram(name, cache, env);
    assert.deepEqual([found.source, found.version], ['cache', version]);
  }
});

test('but not when its file was changed since, or is too old for this build', async (t) => {
  const env = pathWith(t, { ...oldOnPath, ...docker });
  const changed = cacheWithEngines(t, { nats: '2.10.27', redis: '8.0.2' }, { changed: true });
  const old = cacheWithEngines(t, { nats: '2.10.22', redis: '7.4.0' });
  if (changed === undefined || old === undefined) return t.skip('Debian’s packages are for Linux on x64 and arm64');
  for (const cache of [changed, old]) assert.equal((await findProgram('nats', cache, env)).source, 'docker');
});

test('then packages, and where those cannot be had Docker, with the images of compose', async (t) => {
  const env = pathWith(t, { ...oldOnPath, ...docker });
  const cache = emptyFolder(t);
  assert.deepEqual(await findProgram('nats', cache, env), {
    ...{ kind: 'docker', source: 'docker', image: 'nats:2', version: '2' },
  });
  assert.deepEqual(await findProgram('redis', cache, env), {
    ...{ kind: 'docker', source: 'docker', image: 'redis:8', version: '8' },
  });
});

test('and where nothing is, the error says what to install, and why nothing could be fetched', async (t) => {
  const env = pathWith(t, oldOnPath);
  await assert.rejects(
    findProgram('nats', emptyFolder(t), env),
    /no NATS ≥ 2\.10\.23 was found[\s\S]*docker compose up/,
  );
});

test('the message for a system without engines names every way out', () => {
  const text = missingEngineText('redis', '/cache');
  for (const part of [
    'Redis ≥ 8.0.0',
    'brew install redis nats-server',
    'docker compose up',
    '/cache',
    'TOLLGATE_REDIS_URL',
  ])
    assert.ok(text.includes(part), part);
});
