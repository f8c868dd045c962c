import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Receipt, UsageBatch, UsageEvent } from '@tollgate/contracts';
import { Turn } from './turn.ts';
import { UsagePublisher } from './usage-publisher.ts';

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

const noTokens = { prompt: 0, completion: 0, cachedPrompt: 0, reasoning: 0 };

function event(requestId: string, organizationId = 'org', metadata: Record<string, string> = {}): UsageEvent {
  const empty = UsageEvent.decode(new Uint8Array(0));
  const receipt = { ...Receipt.decode(new Uint8Array(0)), requestId, organizationId };
  return { ...empty, receipt, billed: noTokens, served: noTokens, metadata };
}

function setUp() {
  let nowMs = 0;
  const sent: { bytes: Uint8Array; reply: string; messageId: string }[] = [];
  const turn = new Turn();
  const order: string[] = [];
  const usage = new UsagePublisher({
    replica: 'me',
    inbox: 'in',
    turn,
    publish: (_subject, bytes, { reply, messageId }) => {
      order.push('usage');
      sent.push({ bytes, reply, messageId });
      return true;
    },
    now: () => nowMs,
    onRefused: () => {},
  });
  turn.step(() => order.push('frames'));
  const acknowledge = (message: { reply: string } | undefined) =>
    usage.acknowledged(message?.reply.split('.').at(-1) ?? '', { seq: 1 });
  return {
    usage,
    sent,
    order,
    acknowledge,
    pass: (ms: number) => {
      nowMs += ms;
    },
  };
}

test('usage of a turn is one batch, written before the frames of that turn', async () => {
  const { usage, sent, order } = setUp();
  usage.publish(event('a'));
  usage.publish(event('b'));
  await nextTurn();
  assert.deepEqual(order, ['usage', 'frames']);
  assert.deepEqual(
    UsageBatch.decode(sent[0]?.bytes ?? new Uint8Array()).events.map(({ receipt }) => receipt?.requestId),
    ['a', 'b'],
  );
  usage.close();
});

test('an unacknowledged batch is published again under the same id until it is acknowledged', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const { usage, sent, acknowledge, pass } = setUp();
  usage.publish(event('a'));
  await nextTurn();
  pass(1000);
  t.mock.timers.tick(1000);
  assert.equal(sent.length, 2);
  assert.equal(sent[1]?.messageId, sent[0]?.messageId);
  acknowledge(sent[1]);
  pass(5000);
  t.mock.timers.tick(5000);
  assert.equal(sent.length, 2);
  assert.equal(usage.pending, 0);
});

test('without acknowledgements for five seconds it is full, and with them not', async () => {
  const { usage, sent, acknowledge, pass } = setUp();
  usage.publish(event('a'));
  await nextTurn();
  assert.equal(usage.full(), false);
  pass(5001);
  assert.equal(usage.full(), true);
  acknowledge(sent[0]);
  assert.equal(usage.full(), false);
  usage.close();
});

test('a batch that JetStream refuses is kept, and the publisher is full until it is taken', async () => {
  const { usage, sent, acknowledge } = setUp();
  usage.publish(event('a'));
  await nextTurn();
  usage.acknowledged(sent[0]?.reply.split('.').at(-1) ?? '', { error: { description: 'maximum bytes exceeded' } });
  assert.equal(usage.pending, 1);
  assert.equal(usage.full(), true);
  acknowledge(sent[0]);
  assert.equal(usage.full(), false);
});

/** What was sent under each id, and that all that was sent under one is the same. */
function contentsOf(sent: { bytes: Uint8Array; messageId: string }[]): Map<string, string[]> {
  const contents = new Map<string, string[]>();
  for (const { bytes, messageId } of sent) {
    const ids = UsageBatch.decode(bytes).events.map(({ receipt }) => receipt?.requestId ?? '');
    assert.deepEqual(contents.get(messageId) ?? ids, ids);
    contents.set(messageId, ids);
  }
  return contents;
}

test('at ten thousand batches it is full; all of them are kept, and sent until they are acknowledged', async () => {
  const { usage, sent, acknowledge } = setUp();
  const ids = Array.from({ length: 10_000 }, (_, at) => `r${at}`);
  for (const id of ids.slice(1)) usage.publish(event(id, `org-${id}`));
  await nextTurn();
  assert.deepEqual([usage.pending, usage.full()], [9999, false]);
  usage.publish(event('r0', 'org-r0'));
  await nextTurn();
  assert.deepEqual([usage.pending, usage.full()], [10_000, true]);
  const before = sent.splice(0);
  usage.resendAll();
  assert.deepEqual(contentsOf([...before, ...sent]), contentsOf(before));
  assert.deepEqual([...contentsOf(sent).values()].flat().sort(), [...ids].sort());
  acknowledge(sent[5000]);
  assert.deepEqual([usage.pending, usage.full()], [9999, false]);
  acknowledge(sent[5000]);
  assert.equal(usage.pending, 9999, 'acknowledged twice it counts once');
  for (const message of sent) acknowledge(message);
  assert.equal(usage.pending, 0);
});

test('at 32 MiB it is full, and takes what is running nevertheless', async () => {
  const { usage, sent, acknowledge } = setUp();
  const long = { note: 'x'.repeat(500_000) };
  let [bytes, published] = [0, 0];
  while (!usage.full() && published < 1000) {
    usage.publish(event(`r${published++}`, 'org', long));
    await nextTurn();
    bytes += sent.at(-1)?.bytes.length ?? 0;
    assert.equal(usage.full(), bytes >= 32 * 1024 * 1024, `${bytes} bytes`);
  }
  usage.publish(event('running', 'org', long));
  await nextTurn();
  assert.deepEqual([usage.pending, sent.length], [published + 1, published + 1], 'nothing is dropped');
  acknowledge(sent[0]);
  assert.equal(usage.full(), true);
  acknowledge(sent[1]);
  assert.equal(usage.full(), false);
  for (const message of sent) acknowledge(message);
  assert.deepEqual([usage.pending, usage.full()], [0, false]);
});

test('flush tells whether all was acknowledged in time', async () => {
  const { usage, sent, acknowledge } = setUp();
  assert.equal(await usage.flush(1), true);
  usage.publish(event('a'));
  assert.equal(await usage.flush(1), false);
  const flushed = usage.flush(1000);
  acknowledge(sent[0]);
  assert.equal(await flushed, true);
});
