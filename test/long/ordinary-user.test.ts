import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { chown, lstat, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { cacheFolder, repositoryFolder } from '@tollgate/engines';
import { processesOf } from '@tollgate/testing/processes';
import { nobodyLeft, started } from '../support/home.ts';
import { ask } from '../support/load.ts';
import { newSystem, type System } from '../support/system.ts';
import { until } from '../support/until.ts';

// `npm start` as a user who is not root: nobody, with a home directory of its own, in which nothing was fetched yet.

const user = 65_534;
const asUser = ['setpriv', `--reuid=${user}`, `--regid=${user}`, '--clear-groups', '--'] as const;

function leftOut(): string | false {
  if (process.getuid?.() !== 0)
    return 'left out: only root can start as another user; here every test runs as an ordinary one';
  const [program, ...args] = asUser;
  const reads = spawnSync(program, [...args, 'test', '-r', path.join(repositoryFolder, 'package.json')]);
  return reads.status !== 0 && `left out: another user cannot read ${repositoryFolder}`;
}

describe('an ordinary user', { skip: leftOut() }, () => {
  let folder: string;
  let system: System;

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'tollgate-user-'));
    execFileSync('chown', ['-R', `${user}:${user}`, folder]);
    const npmOwn = Object.keys(process.env).filter((name) => /^npm_/i.test(name));
    const unset = [...npmOwn, 'TOLLGATE_CACHE', 'XDG_CACHE_HOME', 'NODE_COMPILE_CACHE'];
    // Without the Node that runs this test: this user's is fetched, too.
    const PATH = process.env.PATH?.split(path.delimiter)
      .filter((place) => !place.startsWith(cacheFolder()))
      .join(path.delimiter);
    system = await newSystem({ ...Object.fromEntries(unset.map((name) => [name, undefined])), HOME: folder, PATH });
    await chown(system.home, user, user);
  });
  after(async () => {
    await system?.remove();
    await rm(folder, { recursive: true, force: true });
  });

  test('fetches what is missing into a folder of its own, sees it, and gets a ready gateway, whose processes and files are this user’s', async () => {
    await system.start([...asUser, 'npm', 'start']);
    await until('the report', async () => system.output.includes('Tollgate is ready') || undefined);
    for (const fetched of ['NATS and Redis', 'chDB'])
      assert.match(system.output, new RegExp(`… fetching ${fetched}.*MB`));
    assert.equal((await started(system.home)).length, 14);
    for (const { pid, command } of processesOf(system.home))
      assert.equal((await stat(`/proc/${pid}`)).uid, user, command);
    for (const entry of await readdir(system.home, { recursive: true })) {
      const file = await lstat(path.join(system.home, entry)).catch(() => undefined);
      if (file) assert.equal(file.uid, user, entry);
    }
    const { gatewayUrl } = await system.status();
    const { key } = await system.createKey('engineering', 'ordinary-user');
    assert.equal((await ask({ gatewayUrl, key }, 'Hello')).status, 200);
  });

  test('starts again in the same home within ten seconds, and stops', async (context) => {
    await system.stop();
    await nobodyLeft(system.home);
    const from = performance.now();
    await system.start([...asUser, 'npm', 'start']);
    const seconds = (performance.now() - from) / 1000;
    context.diagnostic(`ready after ${seconds.toFixed(1)} s`);
    // A person waits for it. Nothing else runs beside these tests.
    assert.ok(seconds < 10, `${seconds} s`);
    await system.stop();
    await nobodyLeft(system.home);
  });
});
