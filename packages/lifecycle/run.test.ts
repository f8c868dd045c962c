import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { SampleService } from './fixtures/process.ts';
import type { ReadyMessage } from './run.ts';

const clean = { code: 0, signal: null };
const crashed = { code: 1, signal: null };

async function started(deed: string, environment?: NodeJS.ProcessEnv) {
  const service = new SampleService(deed, { environment });
  const ready = await service.message<ReadyMessage>();
  return { service, ready };
}

test('it tells its parent where it is, serves its health, and stops cleanly on SIGTERM', async () => {
  const { service, ready } = await started('plain');
  assert.equal(ready.type, 'ready');
  assert.equal(ready.address, 'http://127.0.0.1:1');
  const at = (path: string) => fetch(`${ready.health}${path}`);
  assert.equal((await at('/livez')).status, 200);
  const readyz = await at('/readyz');
  assert.equal(readyz.status, 200);
  assert.deepEqual(await readyz.json(), { ready: true, checks: {} });
  const metrics = await at('/metrics');
  assert.match(metrics.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/);
  assert.match(await metrics.text(), /tollgate_process_uptime_seconds\{service="sample"\}/);
  assert.equal((await at('/')).status, 404);
  assert.equal((await fetch(`${ready.health}/livez`, { method: 'POST' })).status, 405);
  service.child.kill('SIGTERM');
  assert.deepEqual(await service.ended, clean);
  assert.equal(service.lines.at(-1)?.msg, 'stopped');
  assert.deepEqual(service.errors, []);
});

test('readiness follows the checks and says why not; liveness does not', async () => {
  const { service, ready } = await started('checked');
  const set = async (state: string) => {
    const done = service.message();
    service.child.send(state);
    await done;
  };
  await set('NATS is away');
  const readyz = await fetch(`${ready.health}/readyz`);
  assert.equal(readyz.status, 503);
  assert.deepEqual(await readyz.json(), { ready: false, checks: { bus: 'NATS is away' } });
  assert.equal((await fetch(`${ready.health}/livez`)).status, 200);
  await set('well');
  assert.equal((await fetch(`${ready.health}/readyz`)).status, 200);
  service.child.kill('SIGTERM');
  assert.deepEqual(await service.ended, clean);
});

test('drains start together and end before the closes, the last opened closes first', async () => {
  const { service } = await started('ordered');
  service.child.kill('SIGINT');
  assert.deepEqual(await service.ended, clean);
  assert.deepEqual(service.said, ['drained fast', 'drained slow', 'closed second', 'closed first']);
});

test('further signals change nothing', async () => {
  const { service } = await started('ordered');
  service.child.kill('SIGINT');
  await service.line(({ msg }) => msg === 'stopping');
  service.child.kill('SIGTERM');
  service.child.kill('SIGINT');
  assert.deepEqual(await service.ended, clean);
  assert.equal(service.said.length, 4);
});

test('what is opened during the stop is closed, too', async () => {
  const { service } = await started('opens while stopping');
  service.child.kill('SIGTERM');
  assert.deepEqual(await service.ended, clean);
  assert.deepEqual(service.said, ['closed early', 'closed late']);
});

test('it stops when its parent is gone', async () => {
  const { service } = await started('ordered');
  service.child.disconnect();
  assert.deepEqual(await service.ended, clean);
  assert.equal(service.said.at(-1), 'closed first');
});

test('it stops when its parent is gone with the pipe that its logs went to', async () => {
  const { service } = await started('ordered');
  service.child.stdout?.destroy();
  service.child.disconnect();
  assert.deepEqual(await service.ended, clean);
  assert.deepEqual(service.errors, []);
});

for (const [deed, after] of [
  ['hangs in a close', 'closed after'],
  ['hangs in a drain', 'closed part'],
  ['fails in a close', 'closed part'],
] as const) {
  test(`a part that ${deed} holds nothing up, is named, and makes the exit code 1`, async () => {
    const { service } = await started(deed, { TOLLGATE_STOP_TIMEOUT_MS: '300' });
    const startedAtMs = performance.now();
    service.child.kill('SIGTERM');
    assert.deepEqual(await service.ended, crashed);
    assert.ok(performance.now() - startedAtMs < 5000);
    assert.deepEqual(service.said, [after]);
    const error = service.lines.find(({ msg }) => msg === 'did not stop well');
    assert.match(JSON.stringify(error), /hanging|failing/);
  });
}

test('a stop in the middle of the start closes what was opened', async () => {
  const service = new SampleService('hangs in its start');
  await service.line(({ what }) => what === 'starting');
  service.child.kill('SIGTERM');
  assert.deepEqual(await service.ended, clean);
  assert.deepEqual(service.said, ['starting', 'closed part']);
});

test('a failed start says why, closes what was opened and exits with 1', async () => {
  const service = new SampleService('fails in its start');
  assert.deepEqual(await service.ended, crashed);
  assert.match(JSON.stringify(service.lines.find(({ msg }) => msg === 'could not start')), /no such engine/);
  assert.deepEqual(service.said, ['closed part']);
});

for (const [deed, event] of [
  ['throws later', 'uncaughtException'],
  ['rejects later', 'unhandledRejection'],
] as const) {
  test(`what ${deed} uncaught is logged, and the exit code is 1`, async () => {
    const service = new SampleService(deed);
    assert.deepEqual(await service.ended, crashed);
    const last = service.lines.at(-1);
    assert.equal(last?.msg, event);
    assert.equal(last?.level, 'fatal');
    assert.match(JSON.stringify(last), /nobody caught this/);
  });
}

test('a part that failed for good ends the process in order, with 1', async () => {
  const service = new SampleService('a part fails later');
  assert.deepEqual(await service.ended, crashed);
  assert.deepEqual(service.said, ['closed part']);
  assert.match(JSON.stringify(service.lines), /the consumer is gone/);
});

test('it runs without a parent that listens', async () => {
  const service = new SampleService('plain', { ipc: false });
  const line = await service.line(({ msg }) => msg === 'started');
  assert.equal((await fetch(`${String(line.health)}/readyz`)).status, 200);
  service.child.kill('SIGTERM');
  assert.deepEqual(await service.ended, clean);
});

test('an environment that does not fit is said in full before anything starts', async () => {
  const environment = { TOLLGATE_HEALTH_PORT: 'abc', TOLLGATE_LOG_LEVEL: 'loud', TOLLGATE_REPLICA: 'a b' };
  const service = new SampleService('plain', { environment });
  assert.deepEqual(await service.ended, crashed);
  const text = service.errors.join('');
  for (const name of Object.keys(environment)) assert.match(text, new RegExp(`- ${name} must be`));
});

test('a taken health port is named with the variable that changes it', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => other.once('listening', resolve));
  const { port } = other.address() as { port: number };
  const service = new SampleService('plain', { environment: { TOLLGATE_HEALTH_PORT: String(port) } });
  assert.deepEqual(await service.ended, crashed);
  assert.match(JSON.stringify(service.lines), new RegExp(`Port ${port}.*TOLLGATE_HEALTH_PORT`));
  other.close();
});
