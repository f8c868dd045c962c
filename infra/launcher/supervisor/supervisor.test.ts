import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { ManagedProcessEvent } from '@tollgate/engines';
import type { ServiceKind } from '../services.ts';
import { Supervisor, SupervisorError } from './supervisor.ts';

const fixture = fileURLToPath(new URL('../testing/fixture-service.ts', import.meta.url));
const kind = (name: string, scalable = true, stopGroup = 0): ServiceKind => ({ name, scalable, stopGroup, uses: [] });

/** Resolves with the next event that fits; the supervisor's own steps are what is waited for. */
class Events extends EventTarget {
  next(type: ManagedProcessEvent['type'], name: string): Promise<ManagedProcessEvent> {
    return new Promise((resolve) => {
      const listen = ({ detail }: Event & { detail?: ManagedProcessEvent }) => {
        if (detail?.type !== type || detail.name !== name) return;
        this.removeEventListener('event', listen);
        resolve(detail);
      };
      this.addEventListener('event', listen);
    });
  }
}

function supervise(t: TestContext, kinds: ServiceKind[]) {
  const home = mkdtempSync(path.join(tmpdir(), 'tollgate-supervisor-'));
  const events = new Events();
  const supervisor = new Supervisor({
    home,
    kinds,
    fileOf: () => fixture,
    environmentOf: ({ members }, replica) => ({
      PATH: process.env.PATH,
      NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
      TOLLGATE_REPLICA: replica,
      ...(members && { TOLLGATE_SERVICES: members.map(({ name }) => name).join(',') }),
    }),
    onEvent: (event) => events.dispatchEvent(new CustomEvent('event', { detail: event })),
  });
  t.after(async () => {
    await supervisor.stop({ now: true });
    rmSync(home, { recursive: true, force: true });
  });
  return { home, events, supervisor };
}

test('services start, say where they are, and leave nothing when they stop', async (t) => {
  const { home, supervisor } = supervise(t, [kind('pipeline'), kind('upstream', true, 1)]);
  await supervisor.start();
  let status = await supervisor.status();
  // What does not answer within a second is not ready, which on a busy machine may be true for a while.
  while (!status.every(({ ready }) => ready)) status = await supervisor.status();
  assert.deepEqual(
    status.map(({ name, replica, ready, restarts }) => ({ name, replica, ready, restarts })),
    [
      { name: 'pipeline', replica: 'pipeline-1', ready: true, restarts: 0 },
      { name: 'upstream', replica: 'upstream-1', ready: true, restarts: 0 },
    ],
  );
  assert.ok(existsSync(path.join(home, 'run', 'pipeline-1.pid')));
  await supervisor.stop();
  assert.deepEqual(await supervisor.status(), []);
  assert.equal(existsSync(path.join(home, 'run', 'pipeline-1.pid')), false);
  for (const { pid } of status) assert.throws(() => process.kill(pid as number, 0), { code: 'ESRCH' });
});

test('a crashed replica is back at once the first time, then after a pause, and status counts it', async (t) => {
  const { events, supervisor } = supervise(t, [kind('pipeline')]);
  await supervisor.start();
  const pauses: (number | undefined)[] = [];
  for (let crash = 0; crash < 3; crash += 1) {
    const crashed = events.next('crashed', 'pipeline-1');
    const back = events.next('ready', 'pipeline-1');
    const { address } = supervisor.replica('pipeline-1');
    await fetch(`${address}/crash`).catch(() => {});
    const event = await crashed;
    assert.ok(event.type === 'crashed');
    assert.match(event.how, /exit code 7/);
    pauses.push(event.restartInMs);
    await back;
  }
  assert.deepEqual(pauses, [0, 250, 500]);
  const [status] = await supervisor.status();
  assert.equal(status?.restarts, 3);
  assert.equal(status?.ready, true);
});

test('a replica that somebody kills on purpose is back at once, however often', async (t) => {
  const { events, supervisor } = supervise(t, [kind('pipeline')]);
  await supervisor.start();
  for (let kill = 0; kill < 3; kill += 1) {
    const crashed = events.next('crashed', 'pipeline-1');
    const back = events.next('ready', 'pipeline-1');
    await supervisor.replica('pipeline-1').process.kill();
    assert.deepEqual(await crashed, { type: 'crashed', name: 'pipeline-1', how: 'ended by SIGKILL', restartInMs: 0 });
    await back;
  }
});

test('scaling starts new replicas and ends the youngest', async (t) => {
  const { supervisor } = supervise(t, [kind('guard-pii'), kind('ingress', false)]);
  await supervisor.start();
  await supervisor.scale('guard-pii', 3);
  const names = async () => (await supervisor.status()).map(({ replica }) => replica);
  assert.deepEqual(await names(), ['guard-pii-1', 'guard-pii-2', 'guard-pii-3', 'ingress-1']);
  await supervisor.scale('guard-pii', 1);
  assert.deepEqual(await names(), ['guard-pii-1', 'ingress-1']);
  await assert.rejects(supervisor.scale('ingress', 2), SupervisorError);
  await assert.rejects(supervisor.scale('nothing', 2), /no service nothing/);
  await assert.rejects(supervisor.scale('guard-pii', 0), /1 to 16/);
});

test('one that does not start says why', async (t) => {
  const { home, supervisor } = supervise(t, [kind('never')]);
  await assert.rejects(supervisor.start(), /never-1 did not start: exit code 3\n.*the fixture says why/s);
  assert.match(readFileSync(path.join(home, 'logs', 'never-1.log'), 'utf8'), /the fixture says why/);
});

test('one that does not end is ended', async (t) => {
  const { supervisor } = supervise(t, [kind('deaf')]);
  await supervisor.start();
  const { pid } = supervisor.replica('deaf-1').process;
  const patient = supervisor.stop();
  await supervisor.stop({ now: true });
  await patient;
  assert.throws(() => process.kill(pid as number, 0), { code: 'ESRCH' });
});

test('services of one process: a row for each, found by its replica’s name, scaled together', async (t) => {
  const members = [kind('guard-auth'), kind('guard-pii')];
  const group = { ...kind('guard-auth+guard-pii'), members };
  const { home, events, supervisor } = supervise(t, [group, kind('upstream')]);
  await supervisor.start();
  const rows = async () => (await supervisor.status()).map(({ name, replica, ready }) => [name, replica, ready]);
  assert.deepEqual(await rows(), [
    ['guard-auth', 'guard-auth-1', true],
    ['guard-pii', 'guard-pii-1', true],
    ['upstream', 'upstream-1', true],
  ]);
  const [auth, pii, upstream] = await supervisor.status();
  assert.equal(auth?.pid, pii?.pid);
  assert.notEqual(auth?.pid, upstream?.pid);
  assert.equal(auth?.address, `${auth?.health}/guard-auth`);
  assert.equal(pii?.address, null);
  assert.ok(existsSync(path.join(home, 'logs', 'guard-auth+guard-pii-1.log')));

  await assert.rejects(supervisor.scale('guard-pii', 2), {
    name: 'SupervisorError',
    message: 'guard-pii shares a process (TOLLGATE_TOGETHER): scale guard-auth+guard-pii.',
  });
  await supervisor.scale('guard-auth+guard-pii', 2);
  assert.deepEqual(
    (await rows()).map(([, replica]) => replica),
    [...['guard-auth-1', 'guard-pii-1', 'guard-auth-2', 'guard-pii-2', 'upstream-1']],
  );
  assert.equal(supervisor.replica('guard-pii-2'), supervisor.replica('guard-auth+guard-pii-2'));
  assert.throws(() => supervisor.replica('guard-pii-3'), SupervisorError);
  assert.throws(() => supervisor.replica('guard-cache-1'), SupervisorError);

  const crashed = events.next('crashed', 'guard-auth+guard-pii-2');
  const back = events.next('ready', 'guard-auth+guard-pii-2');
  await supervisor.replica('guard-pii-2').process.kill();
  await Promise.all([crashed, back]);
  await supervisor.replica('guard-pii-2').process.stop();
  const down = (await supervisor.status()).filter(({ replica }) => replica.endsWith('-2'));
  assert.deepEqual(
    down.map(({ name, pid, ready, address }) => [name, pid, ready, address]),
    [
      ['guard-auth', null, false, null],
      ['guard-pii', null, false, null],
    ],
  );
});

test('a process with a fixed port in it is not scaled, by none of its names', async (t) => {
  const group = { ...kind('ingress+pipeline', false), members: [kind('ingress', false), kind('pipeline')] };
  const { supervisor } = supervise(t, [group]);
  for (const name of ['ingress+pipeline', 'ingress', 'pipeline']) {
    await assert.rejects(supervisor.scale(name, 2), (error) => {
      assert.ok(error instanceof SupervisorError);
      assert.match(error.message, /fixed port/);
      return true;
    });
  }
});
