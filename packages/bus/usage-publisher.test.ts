import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Receipt, UsageBatch, UsageEvent } from '@tollgate/contracts';
import { Turn } from './turn.ts';
import { UsagePublisher } from './usage-publisher.ts';

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

const noTokens = { prompt: 0, completion: 0, cachedPrompt: 0, reasoning: 0 };

function event(requestId: string): UsageEvent {
  const empty = UsageEvent.decode(new Uint8Array(0));
  const receipt = { ...Receipt.decode(new Uint8Array(0)), requestId, organizationId: 'org' };
  return { ...empty, receipt, billed: noTokens, served: noTokens };
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

test('flush tells whether all was acknowledged in time', async () => {
  const { usage, sent, acknowledge } = setUp();
  assert.equal(await usage.flush(1), true);
  usage.publish(event('a'));
  assert.equal(await usage.flush(1), false);
  const flushed = usage.flush(1000);
  acknowledge(sent[0]);
  assert.equal(await flushed, true);
});
