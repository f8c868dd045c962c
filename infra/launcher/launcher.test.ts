import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { controlRequest } from './control/client.ts';
import type { Status } from './control/status.ts';
import type { Started } from './launcher.ts';
import { serviceNames } from './services.ts';

const program = fileURLToPath(new URL('./testing/fixture-launcher.ts', import.meta.url));
const goneMsMax = 10_000;
/** Of a configuration that is allowed and still worth a line, such as one with an endpoint over plain http. */
const warning = 'Warning: the fixture warns';

interface Installation {
  home: string;
  journal: string;
  env: NodeJS.ProcessEnv;
}

interface Run {
  child: ChildProcess;
  said: string[];
  started: Promise<Started>;
}

function installation(t: TestContext): Installation {
  const folder = mkdtempSync(path.join(tmpdir(), 'tollgate-launcher-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const home = path.join(folder, 'home');
  const journal = path.join(folder, 'journal');
  writeFileSync(journal, '');
  const inherited = Object.entries(process.env).filter(([name]) => !/^(TOLLGATE_(?!CACHE$)|AZURE_OPENAI_)/.test(name));
  const ports = { TOLLGATE_PORT: '0', TOLLGATE_TLS_PORT: '0', TOLLGATE_CONSOLE_PORT: '0' };
  return {
    home,
    journal,
    env: { ...Object.fromEntries(inherited), ...ports, TOLLGATE_HOME: home, TOLLGATE_FIXTURE_JOURNAL: journal },
  };
}

function launch(t: TestContext, { env }: Installation, more: NodeJS.ProcessEnv = {}): Run {
  const child = fork(program, {
    env: { ...env, ...more },
    execArgv: ['--disable-warning=ExperimentalWarning'],
    silent: true,
  });
  t.after(() => child.kill('SIGKILL'));
  const said: string[] = [];
  const started = new Promise<Started>((resolve, reject) => {
    child.on('message', (message: { said?: string; started?: Started; failed?: string }) => {
      if (message.said) said.push(message.said);
      if (message.started) resolve(message.started);
      if (message.failed) reject(new Error(message.failed));
    });
    child.on('exit', (code) => reject(new Error(`the launcher ended with ${code}`)));
  });
  return { child, said, started };
}

async function stop({ child }: Run): Promise<void> {
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  await ended;
}

/** What the launcher started and runs, by name: engines, services, simulator. */
function processesIn({ home }: Installation): Record<string, number> {
  const folder = path.join(home, 'run');
  const files = readdirSync(folder).filter((file) => file.endsWith('.pid'));
  const pidIn = (file: string) => (JSON.parse(readFileSync(path.join(folder, file), 'utf8')) as { pid: number }).pid;
  return Object.fromEntries(files.map((file) => [file.slice(0, -'.pid'.length), pidIn(file)]));
}

const allNames = [
  ...['nats', 'redis', 'cacheRedis', 'clickhouse', 'simulator'],
  ...serviceNames.map((service) => `${service}-1`),
].sort();

/** The kernel tells a parent about its children only, so these are asked for until they are gone. */
async function gone(pids: readonly number[]): Promise<void> {
  const alive = (pid: number) => {
    try {
      return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
    } catch {
      return false;
    }
  };
  const deadline = Date.now() + goneMsMax;
  while (pids.some(alive)) {
    assert.ok(Date.now() < deadline, `still there: ${pids.filter(alive).join(', ')}`);
    await wait(20);
  }
}

test('the first start applies and makes a key; a later one does neither, unless the configuration changed', async (t) => {
  const here = installation(t);
  const asked = () => readFileSync(here.journal, 'utf8').trim().split('\n');
  const first = launch(t, here);
  const { status, key } = await first.started;
  assert.equal(key, 'tg_fixture');
  assert.equal(status.ready, true);
  assert.ok(status.simulatorUrl);
  assert.ok(first.said.includes(warning));
  assert.deepEqual(asked(), ['POST /api/apply', 'GET /api/status', 'POST /api/keys']);
  const firstPids = Object.values(processesIn(here));
  assert.ok(firstPids.length >= allNames.length - 1);
  await stop(first);
  await gone(firstPids);

  const second = launch(t, here);
  const again = await second.started;
  assert.equal(again.key, undefined);
  assert.equal(again.status.natsUrl, status.natsUrl);
  assert.deepEqual(asked().slice(3), ['GET /api/status']);
  // What was applied long ago still warns.
  assert.ok(second.said.includes(warning));
  // A launcher that was killed leaves nothing behind, and the next one starts. The ledger comes when it comes.
  let running = processesIn(here);
  for (; !running.clickhouse; running = processesIn(here)) await wait(20);
  assert.deepEqual(Object.keys(running).sort(), allNames);
  second.child.kill('SIGKILL');
  await gone(Object.values(running));

  const file = path.join(path.dirname(here.home), 'tollgate.yaml');
  writeFileSync(file, 'organization: other\n');
  const third = launch(t, here, { TOLLGATE_CONFIG: file });
  assert.equal((await third.started).status.simulatorUrl, null);
  assert.deepEqual(asked().slice(4), ['POST /api/apply', 'GET /api/status']);
  assert.ok(third.said.includes(warning));
  await stop(third);

  const fourth = launch(t, here, { TOLLGATE_CONFIG: file });
  await fourth.started;
  assert.deepEqual(asked().slice(6), ['GET /api/status']);
  assert.ok(fourth.said.includes(warning));
  await stop(fourth);
});

test('what runs', async (t) => {
  const here = installation(t);
  const run = launch(t, here);
  const { status: started } = await run.started;
  const status = () => controlRequest<Status>(here.home, 'GET', '/status');
  const post = (route: string, body?: object) => controlRequest(here.home, 'POST', route, body);

  await t.test('has every file of its home for its owner only', () => {
    const open: string[] = [];
    for (const entry of readdirSync(here.home, { recursive: true, withFileTypes: true })) {
      const file = path.join(entry.parentPath, entry.name);
      if ((statSync(file, { throwIfNoEntry: false })?.mode ?? 0) & 0o077) open.push(file);
    }
    assert.deepEqual(open, []);
  });

  await t.test('tells a second start on the same home so, and goes on', async () => {
    const second = launch(t, here);
    await assert.rejects(second.started, /running already/);
    assert.equal((await status()).ready, true);
  });

  await t.test('runs beside another home; a taken port names its holder and its variable', async () => {
    const there = installation(t);
    const second = launch(t, there);
    await second.started;
    await stop(second);
    const third = launch(t, there, { TOLLGATE_CONSOLE_PORT: new URL(started.consoleUrl).port });
    await assert.rejects(third.started, /is taken by .* \(process \d+\): set TOLLGATE_CONSOLE_PORT/);
    assert.equal((await status()).ready, true);
  });

  await t.test('has its engines and replicas stopped, started, killed and scaled', async () => {
    const redis = async () => (await status()).engines.find(({ name }) => name === 'redis');
    await post('/engines/redis/stop');
    assert.deepEqual({ ready: (await redis())?.ready, pid: (await redis())?.pid }, { ready: false, pid: null });
    await post('/engines/redis/start');
    assert.equal((await redis())?.ready, true);
    await post('/scale', { service: 'guard-pii', replicas: 2 });
    await post('/services/guard-pii-2/kill');
    await post('/scale', { service: 'ingress', replicas: 2 });
    await assert.rejects(post('/engines/nothing/stop'), /no engine nothing/);
    const names = (await status()).services.map(({ replica }) => replica);
    assert.ok(names.includes('guard-pii-2') && names.includes('ingress-2'));
    await post('/down');
    await once(run.child, 'exit');
  });
});
