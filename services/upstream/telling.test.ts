import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import type { Accepted } from '@tollgate/contracts';
import { Running } from './adapters/running.ts';
import { Harness } from './testing/harness.ts';
import { type Answer, chat, target } from './testing/peer.ts';

// What guard-router is told of targets whose load, latency or rates it counts, and of no others.

/** A report that does not come is a test that fails. */
const timeout = 30_000;
let harness: Harness;
before(async () => {
  harness = await Harness.start();
  await harness.service('upstream-a');
});
after(() => harness?.close());
beforeEach(() => harness.simulator.reset());

const told = { tellStart: true, tellEnd: true };
const both = [target('gpt-4o', told), target('mini', told)];
const stream = { stream: true, stream_options: { include_usage: true } };

async function reported({ requestId }: Pick<Answer, 'requestId'>, count: number) {
  return (await harness.peer.reportsOf(requestId, count)).map(({ model, outcome }) => `${model} ${outcome}`);
}

test('a good attempt, with the time to its first content', { timeout }, async () => {
  for (const more of [{}, stream]) {
    const answer = await harness.peer.ask({ body: chat('Capital of France?', more), targets: both });
    const [report, ...others] = await harness.peer.reportsOf(answer.requestId);
    assert.deepEqual([report?.outcome, others.length], ['ok', 0]);
    assert.ok((report?.firstContentMs ?? 0) > 0);
    assert.equal(report?.stream, 'stream' in more);
  }
});

test('a failover: the end of the first, the start of the second with what it is expected to use, its end', {
  timeout,
}, async () => {
  harness.simulator.addFault({ deployment: 'gpt-4o', kind: 'status', status: 500 });
  const answer = await harness.peer.ask({ body: chat('Capital of France?'), targets: both });
  assert.deepEqual(await reported(answer, 3), ['gpt-4o suspect', 'mini started', 'mini ok']);
  const [failed, started] = await harness.peer.reportsOf(answer.requestId, 3);
  assert.equal(failed?.firstContentMs, undefined, 'a failure is not fast');
  assert.equal(started?.tokens, 133);
});

test('an error that is the caller’s ends it, too', { timeout }, async () => {
  harness.simulator.addFault({ kind: 'status', status: 400 });
  const answer = await harness.peer.ask({ body: chat('Capital of France?'), targets: both });
  assert.deepEqual(await reported(answer, 1), ['gpt-4o ok']);
});

test('silence is at least as slow as it was waited for', { timeout }, async () => {
  harness.simulator.addFault({ deployment: 'gpt-4o', kind: 'hangBeforeHeaders' });
  const deadlineAtMs = Date.now() + 800;
  const answer = await harness.peer.ask({ body: chat('Capital of France?'), targets: both.slice(0, 1), deadlineAtMs });
  const [report] = await harness.peer.reportsOf(answer.requestId);
  assert.equal(report?.outcome, 'suspect');
  assert.ok((report?.firstContentMs ?? 0) > 0);
});

test('a caller that leaves: it ended, which says nothing of the target', { timeout }, async () => {
  harness.simulator.addFault({ kind: 'hangBeforeHeaders' });
  const dispatch = harness.peer.dispatch({ body: chat('Capital of France?'), targets: both });
  const reply = harness.peer.reply(dispatch.requestId);
  harness.peer.offer(dispatch);
  const { controlSubject } = (await reply) as Accepted;
  const cancel = { $case: 'cancel', value: { reason: 'client_gone' } } as const;
  harness.bus.mailbox.send(controlSubject, { requestId: dispatch.requestId, body: cancel });
  assert.deepEqual(await reported(dispatch, 1), ['gpt-4o none']);
});

test('of targets that nobody wants to hear of: failures only', { timeout }, async () => {
  harness.simulator.addFault({ deployment: 'gpt-4o', kind: 'status', status: 500 });
  const answer = await harness.peer.ask({ body: chat('Hello'), targets: [target('gpt-4o'), target('mini')] });
  const next = await harness.peer.ask({ body: chat('Hello'), targets: both });
  await harness.peer.reportsOf(next.requestId);
  assert.deepEqual(await reported(answer, 1), ['gpt-4o suspect']);
});

test('what runs for long is told of every ten seconds', (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const moments: number[] = [];
  const running = new Running((startedBefore) => moments.push(startedBefore));
  running.start();
  t.mock.timers.tick(9_999);
  assert.equal(moments.length, 0);
  t.mock.timers.tick(10_001);
  assert.equal(moments.length, 2);
  assert.ok(moments.every((moment) => moment <= performance.now() - 10_000));
  running.stop();
  t.mock.timers.tick(20_000);
  assert.equal(moments.length, 2);
});
