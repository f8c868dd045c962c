import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { clickhouseEngine } from './clickhouse.ts';
import { emptyFolder, pathWith } from './fixtures/places.ts';
import { chdbFolder } from './programs/chdb.ts';

const server = { clickhouse: 'ClickHouse server version 25.8.1.1 (official build).' };
const oldServer = { clickhouse: 'ClickHouse server version 24.8.1.1 (official build).' };
const docker = { docker: '28.0' };

const library = `@chdb/lib-${process.platform}-${process.arch}${process.platform === 'linux' ? '-gnu' : ''}`;

/** A cache folder as a fetch of chDB leaves it. */
function cacheWithChdb(t: TestContext): string {
  const cache = emptyFolder(t);
  const folder = chdbFolder(cache);
  mkdirSync(path.join(folder, 'node_modules', library), { recursive: true });
  writeFileSync(path.join(folder, 'node_modules', library, 'package.json'), '{}');
  writeFileSync(path.join(folder, 'complete'), '');
  return cache;
}

async function engine(t: TestContext, found: { programs: Record<string, string>; cache?: string; byChdb?: boolean }) {
  const home = emptyFolder(t);
  if (found.byChdb) mkdirSync(path.join(home, 'clickhouse', 'chdb'), { recursive: true });
  const env = pathWith(t, found.programs);
  return clickhouseEngine({ home, cache: found.cache ?? emptyFolder(t), env, supervised: false });
}

/** npm finds no registry: what a machine without a network sees. */
function withoutRegistry(t: TestContext): void {
  const settings = { npm_config_registry: 'http://127.0.0.1:9/', npm_config_fetch_retries: '0' };
  for (const [name, value] of Object.entries(settings)) {
    const before = process.env[name];
    process.env[name] = value;
    t.after(() => {
      if (before === undefined) delete process.env[name];
      else process.env[name] = before;
    });
  }
}

test('a server on PATH goes before chDB and Docker', async (t) => {
  const found = await engine(t, { programs: { ...server, ...docker }, cache: cacheWithChdb(t) });
  assert.deepEqual([found.source, found.version], ['path', '25.8.1.1']);
});

test('but a ledger that chDB wrote stays with chDB', async (t) => {
  const found = await engine(t, { programs: { ...server, ...docker }, cache: cacheWithChdb(t), byChdb: true });
  assert.equal(found.source, 'cache');
});

test('a server that is too old is passed over; chDB of an earlier fetch goes before Docker', async (t) => {
  const found = await engine(t, { programs: { ...oldServer, ...docker }, cache: cacheWithChdb(t) });
  assert.equal(found.source, 'cache');
});

test('where chDB cannot be fetched it is Docker', async (t) => {
  withoutRegistry(t);
  const found = await engine(t, { programs: docker });
  assert.deepEqual([found.source, found.version], ['docker', '25.8']);
});

test('and where nothing is, the error says what was tried, and what to set', async (t) => {
  withoutRegistry(t);
  await assert.rejects(engine(t, { programs: {} }), (error: Error) => {
    for (const part of ['no ClickHouse was found', 'HTTPS_PROXY', 'TOLLGATE_CLICKHOUSE_URL', 'npm install'])
      assert.ok(error.message.includes(part), `${part}: ${error.message}`);
    return true;
  });
});
