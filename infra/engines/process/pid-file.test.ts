import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { writePrivateFile } from '../private-file.ts';
import { processIdentity } from './identity.ts';
import { endLeftovers, writePidFile } from './pid-file.ts';

function temporaryHome(t: TestContext): string {
  const home = mkdtempSync(path.join(tmpdir(), 'tollgate-pids-'));
  t.after(() => rmSync(home, { recursive: true, force: true }));
  return home;
}

function sleeper(t: TestContext) {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  t.after(() => child.kill('SIGKILL'));
  return { child, pid: child.pid as number };
}

test('what an earlier start left running is ended and named', async (t) => {
  const home = temporaryHome(t);
  const { child, pid } = sleeper(t);
  writePidFile(home, 'nats', pid);
  const ended = once(child, 'exit');
  assert.deepEqual(await endLeftovers(home), [{ name: 'nats', pid }]);
  assert.deepEqual(await ended, [null, 'SIGTERM']);
  assert.deepEqual(await endLeftovers(home), []);
});

test('a process that got the number of one that is gone is left alone', async (t) => {
  const home = temporaryHome(t);
  const { pid } = sleeper(t);
  const file = path.join(home, 'run', 'nats.pid');
  writePrivateFile(file, JSON.stringify({ pid, identity: 'an earlier boot:1' }));
  assert.deepEqual(await endLeftovers(home), []);
  assert.ok(processIdentity(pid));
  assert.equal(existsSync(file), false);
});

test('a damaged pid file ends nothing', async (t) => {
  const home = temporaryHome(t);
  writePrivateFile(path.join(home, 'run', 'nats.pid'), '{"pid": -1');
  assert.deepEqual(await endLeftovers(home), []);
});
