import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Entry } from '@tollgate/contracts';
import { Bodies } from './bodies.ts';

/** Two replicas; `lose` drops the n-th entry on the way. */
function setUp(lose = -1) {
  const queue: { to: 'sender' | 'receiver'; entry: Entry }[] = [];
  let count = 0;
  const put = (to: string, entry: Entry) => {
    if (count++ !== lose) queue.push({ to: to as 'sender', entry });
  };
  const ends = { sender: new Bodies(put), receiver: new Bodies(put) };
  const run = () => {
    let most = 0;
    for (let next = queue.shift(); next; next = queue.shift()) {
      most = Math.max(most, queue.length);
      ends[next.to].entry(next.entry);
    }
    return most;
  };
  return { ...ends, run };
}

test('a body of 16 MiB arrives whole, with at most a window of it on the way', async () => {
  const { sender, receiver, run } = setUp();
  const body = Buffer.alloc(16 * 1024 * 1024, 'abcdefg');
  const arrived = receiver.receive('r', body.length, 'sender');
  sender.send('r', body, 'receiver');
  const most = run();
  assert.ok(Buffer.from(await arrived).equals(body));
  assert.ok(most <= 16, `${most} parts were on the way at once`);
});

test('a lost part ends the transfer with an error, not with a wrong body', async () => {
  const { sender, receiver, run } = setUp(1);
  const arrived = receiver.receive('r', 1_000_000, 'sender');
  sender.send('r', Buffer.alloc(1_000_000), 'receiver');
  run();
  await assert.rejects(arrived, { code: 'overloaded' });
});

test('silence ends the transfer with an error', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { receiver } = setUp();
  const arrived = receiver.receive('r', 1_000_000, 'sender');
  t.mock.timers.tick(3000);
  await assert.rejects(arrived, { code: 'overloaded' });
});
