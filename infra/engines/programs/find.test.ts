import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { findProgram, missingEngineText } from './find.ts';
import { findOnPath } from './path.ts';

/** A PATH with programs that only say their version. */
function pathWith(t: TestContext, programs: Record<string, string>): NodeJS.ProcessEnv {
  const folder = mkdtempSync(path.join(tmpdir(), 'tollgate-path-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, printed] of Object.entries(programs))
    writeFileSync(path.join(folder, name), `#!/bin/sh\necho '${printed}'\n`, { mode: 0o755 });
  return { PATH: folder };
}

const query = {
  binary: 'nats-server',
  args: ['--version'],
  version: (printed: string) => /v(\S+)/.exec(printed)?.[1],
  versionMin: '2.10.23',
};

test('a program on PATH goes before everything else when it is new enough', async (t) => {
  const env = pathWith(t, { 'nats-server': 'nats-server: v2.11.0', 'redis-server': 'Redis server v=8.2.1 sha=0' });
  assert.deepEqual(await findProgram('nats', '/nowhere', env), {
    ...{ kind: 'binary', command: ['nats-server'], version: '2.11.0', source: 'path' },
  });
  assert.equal((await findProgram('redis', '/nowhere', env)).version, '8.2.1');
});

test('one that is too old, is another program or is not there is passed over', async (t) => {
  assert.equal(await findOnPath(query, pathWith(t, { 'nats-server': 'nats-server: v2.10.22' })), undefined);
  assert.equal(await findOnPath(query, pathWith(t, { 'nats-server': 'something else' })), undefined);
  assert.equal(await findOnPath(query, pathWith(t, {})), undefined);
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
