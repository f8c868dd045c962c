// Buses of one process beside one of another, over real NATS.
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import type { NatsConnection } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import { type Beat, type Entry, Receipt, RequestStatus, Surface, UsageEvent } from '@tollgate/contracts';
import { createLogger, createMetrics } from '@tollgate/telemetry';
import { startEngines, type TestEngines } from '@tollgate/testing/engines';
import { Bus } from './connection.ts';
import { Loopback } from './loopback.ts';
import { subjects } from './subjects.ts';

const logger = createLogger({ service: 'test', replica: 'test', level: 'silent' });
let engines: TestEngines;
const buses: Bus[] = [];

before(async () => {
  engines = await startEngines({ only: ['nats'] });
});
after(() => engines.close());
afterEach(() => Promise.all(buses.splice(0).map((bus) => bus.close())));

/** A bus, and the subjects of what it gave to NATS, in order. */
async function busOf(service: string, replica: string, loopback?: Loopback): Promise<{ bus: Bus; sent: string[] }> {
  const { user, password } = engines.nats.credentials;
  const nc = await connect({ servers: engines.nats.address, user, pass: password });
  const sent: string[] = [];
  const publish: NatsConnection['publish'] = nc.publish.bind(nc);
  nc.publish = (subject, ...rest) => {
    sent.push(subject);
    publish(subject, ...rest);
  };
  const env = { url: engines.nats.address, user, password };
  const bus = new Bus(nc, { env, service, replica, logger, metrics: createMetrics(service), loopback });
  buses.push(bus);
  await bus.flush();
  return { bus, sent };
}

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

function usageOf(requestId: string): UsageEvent {
  const empty = UsageEvent.decode(new Uint8Array(0));
  const noTokens = { prompt: 0, completion: 0, cachedPrompt: 0, reasoning: 0 };
  const receipt = { ...Receipt.decode(new Uint8Array(0)), requestId, organizationId: 'org' };
  return { ...empty, receipt, billed: noTokens, served: noTokens };
}

const wholeAnswer = {
  head: { headers: {}, restore: {}, owner: '', stream: false, surface: Surface.CHAT_COMPLETIONS },
  response: { httpStatus: 200, headers: {} },
  content: Buffer.from('{}'),
  end: { status: RequestStatus.CACHED, error: undefined },
};

test('a request is offered, taken and answered within the process; only its usage leaves, before the end is heard', async () => {
  const loopback = new Loopback();
  const ingress = await busOf('ingress', 'ingress-1', loopback);
  const pipeline = await busOf('pipeline', 'pipeline-1', loopback);
  await ingress.bus.ensureTopology({ replicas: 1, usageBytesMax: 2 ** 24 });
  const taker = pipeline.bus.subscribe(
    subjects.request,
    (bytes, reply) => {
      assert.equal(reply, '');
      const requestId = Buffer.from(bytes).toString();
      const { inbox: ingressInbox } = ingress.bus;
      const answer = pipeline.bus.owned.open({ requestId, ingressInbox, firstSequence: 0, onCancel: () => {} });
      // Said first, and still heard last.
      answer.complete(wholeAnswer);
      pipeline.bus.usage.publish(usageOf(requestId));
    },
    { queue: 'pipeline' },
  );
  ingress.sent.length = 0;
  pipeline.sent.length = 0;
  const heard = Promise.withResolvers<{ content: string; sentBefore: string[] }>();
  ingress.bus.awaited.open('r', {
    onFrame: ({ content, end }) => {
      assert.ok(end);
      heard.resolve({ content: Buffer.from(content).toString(), sentBefore: [...pipeline.sent] });
    },
    onLost: () => heard.reject(new Error('lost')),
  });
  assert.equal(ingress.bus.offer(subjects.request, Buffer.from('r'), 'r'), true);
  assert.deepEqual(await heard.promise, { content: '{}', sentBefore: [subjects.usage('org')] });
  assert.deepEqual(ingress.sent, []);
  await taker.drain();
  assert.ok(!pipeline.sent.some((subject) => subject === ingress.bus.inbox));
});

test('usage leaves before the end is heard, also where the answers of a turn fill several envelopes', async () => {
  const loopback = new Loopback();
  const ingress = await busOf('ingress', 'ingress-1', loopback);
  const pipeline = await busOf('pipeline', 'pipeline-1', loopback);
  await ingress.bus.ensureTopology({ replicas: 1, usageBytesMax: 2 ** 24 });
  pipeline.sent.length = 0;
  const ends: number[] = [];
  const all = Promise.withResolvers<void>();
  const requestIds = ['a', 'b', 'c'];
  for (const requestId of requestIds) {
    ingress.bus.awaited.open(requestId, {
      onFrame: () => {
        ends.push(pipeline.sent.length);
        if (ends.length === requestIds.length) all.resolve();
      },
      onLost: () => all.reject(new Error('lost')),
    });
    const { inbox: ingressInbox } = ingress.bus;
    pipeline.bus.usage.publish(usageOf(requestId));
    const answer = pipeline.bus.owned.open({ requestId, ingressInbox, firstSequence: 0, onCancel: () => {} });
    answer.complete({ ...wholeAnswer, content: Buffer.alloc(200 * 1024) });
  }
  await all.promise;
  assert.deepEqual(ends, [1, 1, 1]);
  assert.deepEqual(pipeline.sent, [subjects.usage('org')]);
});

test('frames, credit, cancels and beats go both ways without NATS', async () => {
  const loopback = new Loopback();
  const ingress = await busOf('ingress', 'ingress-1', loopback);
  const pipeline = await busOf('pipeline', 'pipeline-1', loopback);
  ingress.sent.length = 0;
  pipeline.sent.length = 0;
  const cancelled = Promise.withResolvers<string>();
  const answer = pipeline.bus.owned.open({
    ...{ requestId: 'r', ingressInbox: ingress.bus.inbox, firstSequence: 0 },
    onCancel: cancelled.resolve,
  });
  const frames = Promise.withResolvers<void>();
  const receiver = ingress.bus.awaited.open('r', {
    onFrame: ({ sequence }) => sequence === 1 && frames.resolve(),
    onLost: () => {},
  });
  answer.head(wholeAnswer.head);
  answer.write(Buffer.alloc(16 * 1024));
  await frames.promise;
  assert.equal(receiver.owner, pipeline.bus.inbox);
  const drained = answer.drained();
  receiver.consumed(16 * 1024);
  await drained;
  assert.equal(answer.keptBytes, 0);
  // Beats: asked, and told that the request is there. One hop each way.
  const longAgoMs = Date.now() - 1000;
  receiver.seenAtMs = longAgoMs;
  ingress.bus.awaited.tick();
  await nextTurn();
  assert.ok(receiver.seenAtMs > longAgoMs);
  receiver.cancel('client_gone');
  assert.equal(await cancelled.promise, 'client_gone');
  assert.deepEqual([...ingress.sent, ...pipeline.sent], []);
});

test('an inbox of another process is reached over NATS, in one envelope', async () => {
  const loopback = new Loopback();
  const { bus } = await busOf('ingress', 'ingress-1', loopback);
  const other = await busOf('pipeline', 'pipeline-2', new Loopback());
  const heard = Promise.withResolvers<{ from: string; entries: Entry[] }>();
  const entries: Entry[] = [];
  other.bus.mailbox.onEntry((from, entry) => {
    entries.push(entry);
    if (entries.length === 2) heard.resolve({ from, entries });
  });
  for (const requestId of ['a', 'b']) {
    bus.mailbox.send(other.bus.inbox, { requestId, body: { $case: 'cancel', value: { reason: 'x' } } });
  }
  const { from } = await heard.promise;
  assert.equal(from, bus.inbox);
  assert.deepEqual(
    entries.map(({ requestId }) => requestId),
    ['a', 'b'],
  );
});

test('a taker that closes: what it was offered it still gets, what comes then goes to another process', async () => {
  const loopback = new Loopback();
  const ingress = await busOf('ingress', 'ingress-1', loopback);
  const near = await busOf('pipeline', 'pipeline-1', loopback);
  const far = await busOf('pipeline', 'pipeline-2');
  const taken: string[] = [];
  const [four, six] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const take = (by: string) => (bytes: Uint8Array) => {
    taken.push(`${by} ${Buffer.from(bytes)}`);
    if (taken.length === 4) four.resolve();
    if (taken.length === 6) six.resolve();
  };
  const subscription = near.bus.subscribe(subjects.request, take('near'), { queue: 'pipeline' });
  far.bus.subscribe(subjects.request, take('far'), { queue: 'pipeline' });
  await Promise.all([near.bus.flush(), far.bus.flush()]);
  ingress.sent.length = 0;
  const offer = (...ids: string[]) => {
    for (const id of ids) assert.equal(ingress.bus.offer(subjects.request, Buffer.from(id), id), true);
  };
  offer('a', 'b');
  const closed = subscription.drain();
  offer('c');
  await closed;
  offer('d');
  await four.promise;
  // Taken again, as when the replica has caught up with the configuration.
  near.bus.subscribe(subjects.request, take('near again'), { queue: 'pipeline' });
  offer('e', 'f');
  await six.promise;
  const byNear = taken.filter((text) => text.startsWith('near'));
  assert.deepEqual(byNear.slice(0, 2), ['near a', 'near b']);
  assert.deepEqual(taken.map((text) => text.at(-1)).sort(), ['a', 'b', 'c', 'd', 'e', 'f']);
  assert.ok(taken.includes('near again e') && taken.includes('near again f'), String(taken));
  assert.ok(taken.includes('far d'), String(taken));
  // c and d: while its subscription drains, NATS may still give the closed one what was offered meanwhile.
  assert.deepEqual(ingress.sent, [subjects.request, subjects.request]);
});

test('stop() leaves the process’s work, too; with nobody anywhere who offers is told', async () => {
  const loopback = new Loopback();
  const ingress = await busOf('ingress', 'ingress-1', loopback);
  const pipeline = await busOf('pipeline', 'pipeline-1', loopback);
  const subscription = pipeline.bus.subscribe(subjects.request, () => assert.fail('stopped'), { queue: 'pipeline' });
  subscription.stop();
  await pipeline.bus.flush();
  const told = new Promise((resolve) => ingress.bus.onNoResponders(resolve));
  ingress.bus.offer(subjects.request, Buffer.from('r'), 'r');
  assert.equal(await told, 'r');
});

test('what everybody hears is no work: a subscription without a queue takes no offers', async () => {
  const loopback = new Loopback();
  const ingress = await busOf('ingress', 'ingress-1', loopback);
  const pipeline = await busOf('pipeline', 'pipeline-1', loopback);
  const heard = Promise.withResolvers<string>();
  pipeline.bus.subscribe(subjects.leaseAsk, (_, reply) => heard.resolve(reply));
  await pipeline.bus.flush();
  ingress.bus.offer(subjects.leaseAsk, Buffer.from('x'), 'tag');
  // The reply subject of an offer over NATS.
  assert.equal(await heard.promise, `${ingress.bus.inbox}.n.tag`);
});

test('a bus that closed is not spoken to within the process any more', async () => {
  const loopback = new Loopback();
  const pipeline = await busOf('pipeline', 'pipeline-1', loopback);
  const ingress = await busOf('ingress', 'ingress-1', loopback);
  const { inbox } = ingress.bus;
  await ingress.bus.close();
  pipeline.sent.length = 0;
  const beat: Beat = { streams: [], answer: true };
  pipeline.bus.mailbox.sendBeat(inbox, beat);
  assert.deepEqual(pipeline.sent, [inbox]);
});
