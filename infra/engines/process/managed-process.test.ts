import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { ManagedProcess } from './managed-process.ts';

/** Takes SIGTERM and goes on. */
const deaf = "process.on('SIGTERM', () => {}); process.send('ready'); setInterval(() => {}, 1000)";
/** Longer than any test may take. */
const neverMs = 2 ** 31 - 1;

async function running(t: TestContext, stopMsMax: number) {
  const home = mkdtempSync(path.join(tmpdir(), 'tollgate-managed-'));
  let child: ChildProcess | undefined;
  const managed = new ManagedProcess({
    ...{ name: 'deaf', home, logFile: path.join(home, 'deaf.log'), readyMsMax: 60_000, stopMsMax, supervised: false },
    plan: () => ({ command: [process.execPath, '-e', deaf], env: { PATH: process.env.PATH }, ipc: true }),
    waitReady: async (started) => {
      child = started;
      await once(started, 'message');
    },
  });
  await managed.start();
  t.after(() => {
    child?.kill('SIGKILL');
    rmSync(home, { recursive: true, force: true });
  });
  return { managed, ended: once(child as ChildProcess, 'exit') };
}

test('what does not end by SIGTERM is ended by SIGKILL when its time is over', { timeout: 60_000 }, async (t) => {
  const { managed, ended } = await running(t, 50);
  await managed.stop();
  assert.deepEqual(await ended, [null, 'SIGKILL']);
});

test('with now it is ended by SIGKILL without that wait, also where a patient stop waits', {
  timeout: 60_000,
}, async (t) => {
  const { managed, ended } = await running(t, neverMs);
  const patient = managed.stop();
  await managed.stop({ now: true });
  await patient;
  assert.deepEqual(await ended, [null, 'SIGKILL']);
});
