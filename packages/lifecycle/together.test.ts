import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { SampleService } from './fixtures/process.ts';
import type { ReadyMessage } from './run.ts';
import { Shared } from './shared.ts';

const clean = { code: 0, signal: null };
const crashed = { code: 1, signal: null };

function launch(t: TestContext, deed: string, environment?: NodeJS.ProcessEnv): SampleService {
  const service = new SampleService(deed, { environment, program: 'together' });
  t.after(() => service.child.kill('SIGKILL'));
  return service;
}

/** Then all that it said has arrived. */
async function stopped(service: SampleService): Promise<void> {
  service.child.kill('SIGTERM');
  await service.ended;
}

const saidOf = (service: SampleService, what: RegExp) => service.said.filter((text) => what.test(String(text)));

test('members start one after the other from the last, and the parent is told of each once all run', async (t) => {
  const service = launch(t, 'run');
  const { health, ...ready } = await service.message<ReadyMessage>();
  assert.match(health, /^http:/);
  assert.deepEqual(ready, {
    type: 'ready',
    address: 'http://first',
    members: [
      { name: 'first', replica: 'first-7', address: 'http://first' },
      { name: 'middle', replica: 'middle-7', address: 'http://middle' },
      { name: 'last', replica: 'last-7' },
    ],
  });
  await stopped(service);
  assert.deepEqual(await service.ended, clean);
  assert.deepEqual(saidOf(service, /^start/), [
    'starting last',
    'started last with blue as last-7',
    'starting middle',
    'started middle with green as middle-7',
    'starting first',
    'started first with red as first-7',
  ]);
});

test('drains go in stages, the first member’s first, and closes come after all of them, the last opened first', async (t) => {
  const service = launch(t, 'run');
  await service.message();
  await stopped(service);
  assert.deepEqual(await service.ended, clean);
  assert.deepEqual(saidOf(service, /^(drain|close)/), [
    ...['first', 'middle', 'last'].flatMap((name) => [`draining ${name}`, `drained ${name}`]),
    ...['closed first', 'closed middle', 'closed last'],
  ]);
});

test('a member that hangs in its drain is named, and leaves those after it their time', async (t) => {
  const service = launch(t, 'first hangs in its drain', { TOLLGATE_STOP_TIMEOUT_MS: '3000' });
  await service.message();
  await stopped(service);
  assert.deepEqual(await service.ended, crashed);
  const faults = service.lines.filter(({ msg }) => msg === 'did not stop well');
  assert.deepEqual(
    faults.map(({ drain }) => drain),
    ['first: slow'],
  );
  assert.deepEqual(saidOf(service, /^(drained|closed) (middle|last)/), [
    ...['drained middle', 'drained last', 'closed middle', 'closed last'],
  ]);
});

test('a member that cannot start ends the others, and those before it never start', async (t) => {
  const service = launch(t, 'middle fails in its start');
  assert.deepEqual(await service.ended, crashed);
  assert.match(JSON.stringify(service.lines.find(({ msg }) => msg === 'could not start')), /no such engine/);
  assert.deepEqual(saidOf(service, /^(starting|drained|closed)/), [
    ...['starting last', 'starting middle', 'drained middle', 'drained last', 'closed middle', 'closed last'],
  ]);
});

test('a part of one member that fails for good ends all of them', async (t) => {
  const service = launch(t, 'last fails later');
  assert.deepEqual(await service.ended, crashed);
  assert.match(JSON.stringify(service.lines), /the consumer is gone/);
  assert.ok(service.said.includes('closed last'));
});

test('one member that is not ready keeps the process from being given work, by its name', async (t) => {
  const service = launch(t, 'middle is not ready');
  const { health } = await service.message<ReadyMessage>();
  const readyz = await fetch(`${health}/readyz`);
  assert.equal(readyz.status, 503);
  assert.deepEqual(await readyz.json(), {
    ready: false,
    checks: { 'last part': 'ok', 'middle part': 'not yet', 'first part': 'ok' },
  });
  await stopped(service);
});

test('logs and metrics say whose they are', async (t) => {
  const service = launch(t, 'run');
  const { health } = await service.message<ReadyMessage>();
  const metrics = await (await fetch(`${health}/metrics`)).text();
  await stopped(service);
  for (const name of ['first', 'middle', 'last']) {
    assert.match(metrics, new RegExp(`^tollgate_starts_total\\{service="${name}"\\} 1$`, 'm'));
    const line = service.lines.find(({ what }) => what === `starting ${name}`);
    assert.deepEqual([line?.service, line?.replica], [name, `${name}-7`]);
  }
  assert.equal(metrics.match(/^# TYPE tollgate_starts_total /gm)?.length, 1);
  assert.match(metrics, /^tollgate_process_uptime_seconds\{service="several"\} /m);
});

test('members share one instance of a class in their process', async (t) => {
  const service = launch(t, 'run');
  await service.message();
  await stopped(service);
  assert.deepEqual(saidOf(service, / met /), [
    'last met last',
    'middle met last middle',
    'first met last middle first',
  ]);
});

test('each class has one instance, made when it is first asked for, and another process another one', () => {
  let made = 0;
  class One {
    readonly number = ++made;
  }
  class Other {}
  const [shared, elsewhere] = [new Shared(), new Shared()];
  assert.equal(made, 0);
  const one = shared.of(One);
  assert.equal(shared.of(One), one);
  assert.equal(made, 1);
  assert.ok(shared.of(Other) instanceof Other);
  assert.notEqual(elsewhere.of(One), one);
});
