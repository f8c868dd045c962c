import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, beforeEach, test } from 'node:test';
import { GuardBeat } from '@tollgate/contracts';
import type { GuardPool } from './index.ts';
import { piiCall, testMetrics } from './test-support/fakes.ts';
import type { BusMessage } from './test-support/guard-process.ts';
import { Harness, masked, maskedTexts, until } from './test-support/harness.ts';
import { beatSubject, helloSubject } from './wire/subjects.ts';

let harness: Harness;
let children: ChildProcess[];

beforeEach(() => {
  harness = new Harness();
  children = [];
});

afterEach(async () => {
  await harness.close();
  for (const child of children) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
});

/** Starts a guard process on the test's bus; its address once it has announced itself. */
async function start(replica: string, port = 0): Promise<{ child: ChildProcess; address: string }> {
  const child = fork(new URL('./test-support/guard-process.ts', import.meta.url), [replica, `${port}`]);
  children.push(child);
  const hello = harness.bus.subscribe(helloSubject, (bytes) => {
    const message: BusMessage = { subject: helloSubject, base64: Buffer.from(bytes).toString('base64') };
    if (child.connected) child.send(message);
  });
  child.once('exit', () => hello.stop());
  const announced = Promise.withResolvers<string>();
  child.on('message', ({ subject, base64 }: BusMessage) => {
    const bytes = Buffer.from(base64, 'base64');
    harness.bus.publish(subject, bytes);
    if (subject === beatSubject) announced.resolve(GuardBeat.decode(bytes).address);
  });
  return { child, address: await announced.promise };
}

/** Calls that go on until told to stop; every one of them must be answered rightly. Gives who answered how often. */
function load(pool: GuardPool, callers: number, timeoutMs = 10_000) {
  const counts = new Map<string, number>();
  let stopped = false;
  const running = Array.from({ length: callers }, async (_, caller) => {
    for (let i = 0; !stopped; i++) {
      const [replica = '', text] = maskedTexts(await pool.call(piiCall([`${caller} ${i}`], timeoutMs)));
      assert.equal(text, `${caller} ${i}`);
      counts.set(replica, (counts.get(replica) ?? 0) + 1);
    }
  });
  const stop = () => {
    stopped = true;
    return Promise.all(running);
  };
  const answeredBy = async (replica: string, times: number) => {
    const goal = (counts.get(replica) ?? 0) + times;
    await Promise.race([until(() => (counts.get(replica) ?? 0) >= goal), Promise.all(running)]);
  };
  return { stop, answeredBy, counts };
}

test('one guard of two killed with SIGKILL under load: no call fails; started again, it serves again', async () => {
  const first = await start('first');
  await start('second');
  const pool = await harness.pool(2);
  const { stop, answeredBy } = load(pool, 32);
  await answeredBy('first', 100);
  first.child.kill('SIGKILL');
  await once(first.child, 'exit');
  await answeredBy('second', 500);
  assert.equal(pool.usable, 1);
  await start('third', Number(first.address.split(':')[1]));
  await answeredBy('third', 100);
  await stop();
  assert.equal(pool.outstanding, 0);
});

test('the last guard killed: calls wait a moment for its successor', async () => {
  const first = await start('first');
  const pool = await harness.pool(1);
  first.child.kill('SIGKILL');
  await once(first.child, 'exit');
  await until(() => pool.usable === 0);
  const call = pool.call(piiCall(['a']));
  // In this process: a new one may take longer to start than a call waits.
  await harness.guard({ handle: () => masked(['successor']) });
  assert.deepEqual(maskedTexts(await call), ['successor']);
});

test('the last guard gone for good: guard_unavailable within about a second', async () => {
  const first = await start('first');
  const metrics = testMetrics();
  const pool = await harness.pool(1, { metrics });
  assert.match(await metrics.text(), /tollgate_guard_replicas\{.*\} 1\n/);
  first.child.kill('SIGKILL');
  await once(first.child, 'exit');
  await until(() => pool.usable === 0);
  const startedMs = performance.now();
  await assert.rejects(pool.call(piiCall(['a'])), { code: 'guard_unavailable' });
  assert.ok(performance.now() - startedMs < 5_000);
  // Nobody is there whose beat could bring the figures.
  const text = await metrics.text();
  assert.match(text, /tollgate_guard_replicas\{.*\} 0\n/);
  assert.match(text, /tollgate_guard_unavailable_total\{.*\} 1\n/);
});

test('a guard that hangs without dying: its calls are answered by another one', async () => {
  const first = await start('first');
  await start('second');
  const pool = await harness.pool(2);
  // Less than HTTP/2's pings take to find out.
  const { stop, answeredBy, counts } = load(pool, 8, 4_000);
  await answeredBy('first', 20);
  first.child.kill('SIGSTOP');
  await answeredBy('second', 50);
  const before = counts.get('second') ?? 0;
  await stop();
  assert.ok((counts.get('second') ?? 0) > before);
  first.child.kill('SIGCONT');
});

test('a pool that starts before any guard finds the first one by its beat, and a later one by its own', async () => {
  const pool = await harness.pool(0);
  await start('first');
  await until(() => pool.usable === 1);
  await start('second');
  await until(() => pool.usable === 2);
});
