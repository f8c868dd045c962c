import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, afterEach, before, beforeEach, type TestContext, test } from 'node:test';
import { setTimeout as delay, setImmediate } from 'node:timers/promises';
import { type AnswerReceiver, subjects } from '@tollgate/bus';
import { type Accepted, CacheFillPlan, Delivery, LeaseAsk, RequestStatus, Surface } from '@tollgate/contracts';
import { Harness, type ServiceUnderTest } from './testing/harness.ts';
import { chat, target } from './testing/peer.ts';

let harness: Harness;
const services: ServiceUnderTest[] = [];
const service = async (replica: string, environment?: Record<string, string>) => {
  const started = await harness.service(replica, environment);
  services.push(started);
  return started;
};
before(async () => {
  harness = await Harness.start();
});
after(() => harness?.close());
beforeEach(() => {
  harness.simulator.reset();
});
afterEach(async () => {
  for (const started of services.splice(0)) await started.stop();
});

const slow = () => harness.simulator.addFault({ chunkDelayMs: 20 });
const stream = (prompt = 'Write 20 words') => chat(prompt, { stream: true, stream_options: { include_usage: true } });

test('a dispatch is accepted by its own number, and again without a second call', async () => {
  await service('upstream-1');
  slow();
  const dispatch = harness.peer.dispatch({ body: stream(), dispatch: 1 });
  const reply = harness.peer.reply(dispatch.requestId);
  harness.peer.offer(dispatch);
  const accepted = (await reply) as Accepted;
  assert.deepEqual([accepted.replica, accepted.dispatch], ['upstream-1', 1]);
  assert.match(accepted.controlSubject, /^tg\.v1\.in\..*upstream-1$/);
  const again = harness.peer.reply(dispatch.requestId);
  harness.peer.offer({ ...dispatch, dispatch: 2 });
  assert.equal(((await again) as Accepted).dispatch, 2);
  const row = await harness.peer.row(dispatch.requestId);
  assert.equal(row.status, RequestStatus.COMPLETED);
  const afterwards = harness.peer.reply(dispatch.requestId);
  harness.peer.offer({ ...dispatch, dispatch: 2 });
  assert.equal(((await afterwards) as Accepted).dispatch, 2, 'an ended request too');
  assert.equal(harness.simulator.calls().length, 1);
  assert.equal(harness.peer.rows.get(dispatch.requestId)?.length, 1);
});

test('a reclaim is answered by the owner; who disowned the first dispatch takes only the second', async () => {
  await service('upstream-1');
  slow();
  const owned = harness.peer.dispatch({ body: stream() });
  const taken = harness.peer.reply(owned.requestId);
  harness.peer.offer(owned);
  await taken;
  const claimed = harness.peer.reply(owned.requestId);
  harness.peer.reclaim(owned.requestId);
  assert.equal(((await claimed) as Accepted).replica, 'upstream-1');

  const disowned = harness.peer.dispatch({ body: chat('Capital of France?') });
  harness.peer.reclaim(disowned.requestId);
  harness.peer.offer(disowned);
  const reply = harness.peer.reply(disowned.requestId);
  harness.peer.offer({ ...disowned, dispatch: 2 });
  assert.equal(((await reply) as Accepted).dispatch, 2, 'the first one got no answer');
  await harness.peer.row(disowned.requestId);
  assert.equal(harness.simulator.calls().filter(({ stream: streamed }) => !streamed).length, 1);
});

test('a dispatch that comes too late is dropped', async () => {
  const started = await service('upstream-1');
  harness.peer.offer(harness.peer.dispatch({ body: chat('hi'), acceptByMs: Date.now() - 1 }));
  await harness.peer.ask({ body: chat('Capital of France?') });
  assert.equal(harness.simulator.calls().length, 1);
  assert.match(await started.metrics(), /turned_away_total\{reason="late"[^}]*\} 1/);
});

test('a revision that is on its way is waited for; one that never comes is rejected', async () => {
  await service('upstream-1');
  const next = harness.peer.revision + 1;
  const asked = harness.peer.ask({ body: chat('Capital of France?'), revision: next });
  await harness.apply();
  assert.equal((await asked).status, 200);
  await assert.rejects(
    harness.peer.ask({ body: chat('hi'), revision: 999, acceptByMs: Date.now() + 5000 }),
    /rejected: overloaded/,
  );
  assert.equal(harness.simulator.calls().length, 1);
});

test('beyond its bound a replica takes nothing, and says so', async () => {
  const started = await service('upstream-1', { TOLLGATE_UPSTREAM_RUNS_MAX: '1' });
  harness.simulator.addFault({ gate: 'full', count: 1 });
  const asked = harness.peer.ask({ body: stream() });
  await harness.simulator.waitForCalls();
  await assert.rejects(harness.peer.ask({ body: chat('hi') }), /rejected: overloaded too many/);
  harness.simulator.openGate('full', 1000);
  assert.equal((await asked).status, 200);
  assert.equal(harness.simulator.calls().length, 1);
  while (started.checks()[0] !== true) await setImmediate();
  await harness.bus.flush();
});

/** USAGE takes no more than this, and nothing more where it holds that already. */
async function boundUsage(bytes: number): Promise<void> {
  const ask = async (what: string, body: object) => {
    const told = await harness.bus.request(`$JS.API.STREAM.${what}.USAGE`, Buffer.from(JSON.stringify(body)), 5000);
    const { error, config } = JSON.parse(Buffer.from(told).toString());
    assert.equal(error, undefined);
    return config;
  };
  await ask('UPDATE', { ...(await ask('INFO', {})), max_bytes: bytes });
}

test('while JetStream takes no usage a replica takes nothing; what it holds is written when there is room', async (t) => {
  const started = await service('upstream-1');
  await boundUsage(1);
  t.after(() => boundUsage(64 * 1024 * 1024));
  const held = await harness.peer.ask({ body: chat('Capital of France?') });
  assert.equal(held.status, 200, 'it was taken before anybody knew');
  while (started.checks()[0] === true) await setImmediate();
  assert.equal(started.checks()[0], 'usage is not being acknowledged');
  await assert.rejects(harness.peer.ask({ body: chat('Capital of Spain?') }), /rejected: overloaded/);
  assert.equal(harness.simulator.calls().length, 1);
  assert.equal(harness.peer.rows.get(held.requestId), undefined);
  await boundUsage(64 * 1024 * 1024);
  assert.equal((await harness.peer.row(held.requestId)).status, RequestStatus.COMPLETED);
  while (started.checks()[0] !== true) await setImmediate();
  assert.equal((await harness.peer.ask({ body: chat('Capital of Spain?') })).status, 200);
  assert.equal(harness.peer.rows.get(held.requestId)?.length, 1);
});

for (const cancelled of ['before the headers', 'within the body'] as const) {
  test(`a caller that leaves a JSON call, ${cancelled}: grace, then it is charged for its prompt, estimated, in one row`, async () => {
    await service('upstream-1');
    harness.simulator.addFault(
      cancelled === 'before the headers' ? { kind: 'hangBeforeHeaders' } : { kind: 'hang', afterChunks: 1 },
    );
    const dispatch = harness.peer.dispatch({ body: chat('Write 200 words') });
    const { requestId } = dispatch;
    const reply = harness.peer.reply(requestId);
    harness.peer.offer(dispatch);
    const { controlSubject } = (await reply) as Accepted;
    await harness.simulator.waitForCalls();
    const leftAt = Date.now();
    harness.bus.mailbox.send(controlSubject, {
      requestId,
      body: { $case: 'cancel', value: { reason: 'client_gone' } },
    });
    const [call] = await harness.simulator.waitForCalls({ ended: true });
    assert.equal(call?.aborted, true);
    assert.ok(Date.now() - leftAt >= 400, 'it had time to end by itself');
    const row = await harness.peer.row(requestId);
    assert.deepEqual(
      [row.status, row.httpStatus, row.code, row.delivered, row.version, row.estimated],
      [RequestStatus.CANCELLED, 499, 'client_closed_request', Delivery.NONE, 2, true],
    );
    assert.deepEqual([row.billed?.prompt, row.billed?.completion], [33, 0], 'its prompt, as admission saw it');
    assert.equal(row.costNanoUsd, 33 * 2500);
    assert.deepEqual(
      row.attempts.map(({ provider, costNanoUsd }) => [provider, costNanoUsd]),
      [['azure', row.costNanoUsd]],
    );
    // A second row of it would stand before that of a later request.
    harness.simulator.clearFaults();
    const later = await harness.peer.ask({ body: chat('Capital of France?') });
    await harness.peer.row(later.requestId);
    assert.equal(harness.peer.rows.get(requestId)?.length, 1);
  });
}

test('a caller that leaves: grace, then the provider is cut off, and what was seen is charged', async () => {
  await service('upstream-1');
  slow();
  let left = 0;
  const dispatched = harness.peer.ask({ body: stream('Write 2000 words') }, (frame, receiver) => {
    if (frame.content.length === 0 || left > 0) return;
    left = Date.now();
    receiver.cancel('client_gone');
  });
  dispatched.catch(() => undefined);
  const [call] = await harness.simulator.waitForCalls({ ended: true });
  assert.equal(call?.aborted, true);
  assert.ok(Date.now() - left >= 400, 'it had time to end by itself');
  const requestId = String(call?.headers['x-ms-client-request-id']);
  const row = await harness.peer.row(requestId);
  assert.equal(row.status, RequestStatus.CANCELLED);
  assert.deepEqual([row.httpStatus, row.code], [499, 'client_closed_request']);
  assert.equal(row.delivered, Delivery.PARTIAL);
  assert.equal(row.model, 'gpt-4o');
  assert.equal(row.version, 2);
  assert.equal(row.estimated, true);
  assert.equal(row.billed?.prompt, 33);
  const seen = call?.usage?.completionTokens ?? 0;
  assert.ok(
    (row.billed?.completion ?? 0) > seen / 3 && (row.billed?.completion ?? 0) < seen * 3,
    'about what was generated',
  );
  assert.ok(row.costNanoUsd > 0);
});

test('an answer that ends within the grace is measured', async () => {
  await service('upstream-1');
  harness.simulator.addFault({ delayMs: 100 });
  const asked = harness.peer.dispatch({ body: chat('Capital of France?') });
  const reply = harness.peer.reply(asked.requestId);
  harness.peer.offer(asked);
  const { controlSubject } = (await reply) as Accepted;
  const { requestId } = asked;
  harness.bus.mailbox.send(controlSubject, { requestId, body: { $case: 'cancel', value: { reason: 'client_gone' } } });
  const row = await harness.peer.row(requestId);
  assert.equal(row.status, RequestStatus.COMPLETED);
  assert.equal(row.delivered, Delivery.NONE);
  assert.equal(row.version, 3);
  assert.equal(row.billed?.prompt, harness.simulator.totals().all.issued.promptTokens);
});

test('a body that does not come: an honest error and a row, or a cancelled one', async () => {
  await service('upstream-1');
  for (const leaves of [false, true]) {
    const dispatch = { ...harness.peer.dispatch({ body: chat('hi') }), body: new Uint8Array(), bodyBytes: 1_000_000 };
    const { requestId } = dispatch;
    const reply = harness.peer.reply(requestId);
    harness.peer.offer(dispatch);
    const { controlSubject } = (await reply) as Accepted;
    const value = { reason: 'client_gone' };
    if (leaves) harness.bus.mailbox.send(controlSubject, { requestId, body: { $case: 'cancel', value } });
    const row = await harness.peer.row(requestId);
    assert.equal(row.status, leaves ? RequestStatus.CANCELLED : RequestStatus.FAILED);
    assert.deepEqual([row.httpStatus, row.code], leaves ? [499, 'client_closed_request'] : [503, 'overloaded']);
    assert.equal(row.costNanoUsd, 0);
  }
  assert.deepEqual(harness.simulator.calls(), []);
});

test('a request that was superseded ends at once', async () => {
  await service('upstream-1');
  harness.simulator.addFault({ kind: 'hangBeforeHeaders' });
  const dispatch = harness.peer.dispatch({ body: chat('hi'), targets: [target(), target('mini')] });
  const reply = harness.peer.reply(dispatch.requestId);
  harness.peer.offer(dispatch);
  const { controlSubject } = (await reply) as Accepted;
  await harness.simulator.waitForCalls();
  const { requestId } = dispatch;
  harness.bus.mailbox.send(controlSubject, { requestId, body: { $case: 'cancel', value: { reason: 'superseded' } } });
  const row = await harness.peer.row(requestId);
  assert.deepEqual([row.status, row.code, row.version], [RequestStatus.CANCELLED, 'gateway_interrupted', 2]);
  assert.equal(harness.simulator.calls().length, 1, 'no second target');
});

interface Endless {
  sent(): number;
  endBytes: number;
}

const wholeBytes = 24 * 1024 * 1024;

/** A provider, named `endless`, of a stream that is as fast as it is read. */
async function endlessProvider(t: TestContext): Promise<Endless> {
  let sent = 0;
  const chunk = (delta: object, finish: string | null = null) =>
    `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'm', choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;
  const part = chunk({ content: 'x'.repeat(4000) });
  const end = `${chunk({}, 'stop')}data: [DONE]\n\n`;
  const provider = createServer((request, response) => {
    request.resume();
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const pump = () => {
      while (sent < wholeBytes) {
        sent += part.length;
        if (!response.write(part)) return void response.once('drain', pump);
      }
      response.end(end);
    };
    pump();
  }).listen(0, '127.0.0.1');
  await once(provider, 'listening');
  t.after(() => provider.close());
  const endpoint = `http://127.0.0.1:${(provider.address() as AddressInfo).port}`;
  await harness.apply(harness.provider('azure') + harness.provider('endless', { endpoint }));
  return { sent: () => sent, endBytes: end.length };
}

const endless = [target('gpt-4o', { provider: 'endless' })];

test('the provider is read no faster than the caller reads', async (t) => {
  await service('upstream-1');
  const { sent, endBytes } = await endlessProvider(t);
  const full = Promise.withResolvers<{ consumed(bytes: number): void }>();
  let reading = false;
  let received = 0;
  const asked = harness.peer.ask({ body: stream(), targets: endless }, (frame, receiver) => {
    received += frame.content.length;
    if (received >= 12 * 1024) full.resolve(receiver);
    return reading;
  });
  const receiver = await full.promise;
  await untilSteady(sent);
  assert.ok(received <= 16 * 1024 + 80 * 1024, `the caller was sent ${received}`);
  assert.ok(sent() < wholeBytes / 2, `the provider could send ${sent()}`);
  reading = true;
  receiver.consumed(received);
  const answer = await asked;
  assert.equal(answer.end.status, RequestStatus.COMPLETED);
  assert.equal(answer.text.length, sent() + endBytes);
});

test('a caller that leaves while it holds the provider back: the call is cut off at once, nothing more is read', async (t) => {
  await service('upstream-1');
  const { sent } = await endlessProvider(t);
  const begun = Promise.withResolvers<AnswerReceiver>();
  const asked = harness.peer.ask({ body: stream(), targets: endless }, (frame, receiver) => {
    if (frame.content.length > 0) begun.resolve(receiver);
    return false;
  });
  asked.catch(() => undefined);
  const receiver = await begun.promise;
  await untilSteady(sent);
  receiver.cancel('client_gone');
  const row = await harness.peer.row(receiver.requestId);
  assert.deepEqual([row.status, row.code], [RequestStatus.CANCELLED, 'client_closed_request']);
  assert.ok((row.billed?.completion ?? 0) > 0, 'charged for what was seen');
  assert.ok(sent() < wholeBytes, 'it was not read on');
});

/** Nothing but time can show that something does not grow any more. */
async function untilSteady(value: () => number): Promise<void> {
  for (let before = -1; before !== value(); await delay(100)) before = value();
}

const plan = (surface: Surface): CacheFillPlan => ({
  ...CacheFillPlan.decode(new Uint8Array()),
  revision: 1,
  proxy: 'sample.proxy',
  scopeId: 'team',
  text: 'Capital of France?',
  surface,
});

for (const streamed of [false, true]) {
  test(`a whole answer is offered to the cache before its last byte goes out (${streamed ? 'stream' : 'JSON'})`, async () => {
    await service('upstream-1');
    for (const surface of [Surface.CHAT_COMPLETIONS, Surface.RESPONSES]) {
      const body =
        surface === Surface.RESPONSES
          ? { model: 'x', input: 'Capital of France?', stream: streamed }
          : chat('Capital of France?', streamed ? { stream: true, stream_options: { include_usage: true } } : {});
      harness.peer.fills.length = 0;
      let fillsAtTheEnd = -1;
      const answer = await harness.peer.ask({ body, surface, cacheFill: plan(surface) }, (frame) => {
        if (frame.end !== undefined) fillsAtTheEnd = harness.peer.fills.length;
      });
      assert.equal(fillsAtTheEnd, 1);
      const [fill] = harness.peer.fills;
      assert.ok(fill);
      const kept = JSON.parse(Buffer.from(fill.answer).toString());
      assert.match(JSON.stringify(kept), /Paris/);
      assert.equal(kept.object, surface === Surface.RESPONSES ? 'response' : 'chat.completion');
      const row = await harness.peer.row(answer.requestId);
      assert.deepEqual(fill.tokens, row.served);
      assert.equal(fill.costNanoUsd, row.costNanoUsd);
      assert.deepEqual([fill.provider, fill.model, fill.baseModel], ['azure', 'gpt-4o', 'gpt-4o']);
    }
  });
}

test('tool calls and cut answers fill nothing', async () => {
  await service('upstream-1');
  harness.peer.fills.length = 0;
  const tools = [{ type: 'function', function: { name: 'f', parameters: { type: 'object', properties: {} } } }];
  const cacheFill = plan(Surface.CHAT_COMPLETIONS);
  for (const streamed of [false, true]) {
    await harness.peer.ask({ body: chat('call f', { tools, tool_choice: 'required', stream: streamed }), cacheFill });
    await harness.peer.ask({ body: chat('Write 50 words', { max_tokens: 3, stream: streamed }), cacheFill });
  }
  assert.deepEqual(harness.peer.fills, []);
});

test('the rest of a target list goes to a replica that serves it, with the row so far', async () => {
  await harness.apply(harness.provider('azure') + harness.provider('other'));
  await service('upstream-azure', { TOLLGATE_UPSTREAM_PROVIDERS: 'azure' });
  await service('upstream-other', { TOLLGATE_UPSTREAM_PROVIDERS: 'other' });
  harness.simulator.addFault({ kind: 'status', status: 429, deployment: 'gpt-4o' });
  const targets = [target('gpt-4o'), target('mini', { provider: 'other' })];
  for (const prompt of ['Capital of France?', `Repeat ${'y'.repeat(400_000)}`]) {
    const answer = await harness.peer.ask({ body: chat(prompt), targets });
    assert.equal(answer.status, 200);
    assert.equal(answer.headers['x-tollgate-attempts'], '2');
    const row = await harness.peer.row(answer.requestId);
    assert.deepEqual(
      row.attempts.map(({ provider, httpStatus }) => [provider, httpStatus]),
      [
        ['azure', 429],
        ['other', 200],
      ],
    );
    assert.equal(harness.peer.rows.get(answer.requestId)?.length, 1);
  }
});

test('nobody serves the rest: the failures so far decide', async () => {
  await harness.apply(harness.provider('azure') + harness.provider('other'));
  await service('upstream-azure', { TOLLGATE_UPSTREAM_PROVIDERS: 'azure' });
  harness.simulator.addFault({ kind: 'status', status: 429, retryAfterMs: 700 });
  const targets = [target('gpt-4o'), target('mini', { provider: 'other' })];
  const answer = await harness.peer.ask({ body: chat('hi'), targets });
  assert.equal(answer.status, 429);
  assert.equal(answer.end.error?.retryAfterMs, 700);
});

test('leases of what runs are renewed when the store asks for it', async () => {
  await service('upstream-1');
  harness.peer.renewals.length = 0;
  harness.simulator.addFault({ kind: 'hangBeforeHeaders' });
  const asked = harness.peer.ask({ body: chat('hi'), deadlineAtMs: Date.now() + 1000 });
  const [call] = await harness.simulator.waitForCalls();
  const ask = (organizationId: string) =>
    harness.bus.publish(subjects.leaseAsk, LeaseAsk.encode({ organizationId }).finish());
  ask('somebody-else');
  ask('acme');
  const renewal = await harness.peer.renewal();
  assert.equal(renewal.replica, 'upstream-1');
  assert.deepEqual(
    renewal.receipts.map(({ requestId }) => requestId),
    [call?.headers['x-ms-client-request-id']],
  );
  await asked;
  assert.deepEqual(harness.peer.renewals, []);
});

test('a replica that stops finishes what runs, and takes nothing new', async () => {
  const started = await service('upstream-1');
  slow();
  const asked = harness.peer.ask({ body: stream() });
  await harness.simulator.waitForCalls();
  const stopped = started.stop();
  const answer = await asked;
  assert.equal(answer.end.status, RequestStatus.COMPLETED);
  assert.match(answer.text, /\[DONE\]/);
  await stopped;
  assert.equal((await harness.peer.row(answer.requestId)).status, RequestStatus.COMPLETED);
});

test('what does not finish in time is interrupted honestly', async () => {
  const started = await service('upstream-1', { TOLLGATE_STOP_TIMEOUT_MS: '400' });
  harness.simulator.addFault({ kind: 'hang', afterChunks: 3, chunkDelayMs: 5, stream: true });
  harness.simulator.addFault({ kind: 'hangBeforeHeaders', stream: false });
  const seen = Promise.withResolvers<void>();
  const streamed = harness.peer.ask({ body: stream() }, (frame) => frame.content.length > 0 && seen.resolve());
  const silent = harness.peer.ask({ body: chat('hi') });
  await Promise.all([seen.promise, harness.simulator.waitForCalls({}, { count: 2 })]);
  await started.stop();
  const [broken, failed] = await Promise.all([streamed, silent]);
  assert.equal(broken.end.status, RequestStatus.TRUNCATED);
  assert.equal(broken.end.error?.code, 'gateway_interrupted');
  assert.equal(failed.end.error?.code, 'gateway_interrupted');
  assert.equal(failed.status, 502);
  for (const { requestId } of [broken, failed]) {
    const row = await harness.peer.row(requestId);
    assert.equal(row.code, 'gateway_interrupted');
    assert.equal(row.billed?.prompt, 33);
  }
});

test('while NATS is away nothing is taken; afterwards all is as before', async () => {
  const started = await service('upstream-1');
  await harness.peer.ask({ body: chat('Capital of France?') });
  await harness.engines.nats.kill();
  await harness.engines.nats.start();
  while (!harness.bus.connected() || started.checks()[0] !== true) await setImmediate();
  const answer = await harness.peer.ask({ body: chat('Capital of France?') });
  assert.equal(answer.status, 200);
  assert.equal((await harness.peer.row(answer.requestId)).status, RequestStatus.COMPLETED);
});
