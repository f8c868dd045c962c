import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Entry, Envelope } from '@tollgate/contracts';
import { Mailbox } from './mailbox.ts';
import { messageBytesMax } from './subjects.ts';
import { Turn } from './turn.ts';

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

function setUp(away = false) {
  const sent: { subject: string; bytes: Uint8Array }[] = [];
  let dropped = 0;
  const turn = new Turn();
  const mailbox = new Mailbox({
    inbox: 'me',
    turn,
    sayHere: () => false,
    publish: (subject, bytes) => {
      if (!away) sent.push({ subject, bytes });
      return !away;
    },
    onDropped: (entries) => {
      dropped += entries;
    },
  });
  return { mailbox, sent, dropped: () => dropped };
}

const part = (requestId: string, bytes: number): Entry => ({
  requestId,
  body: { $case: 'bodyPart', value: { offset: 0, data: new Uint8Array(bytes) } },
});

test('what is said to one inbox in a turn leaves in one envelope, in order', async () => {
  const { mailbox, sent } = setUp();
  for (const id of ['a', 'b', 'c']) mailbox.send('you', part(id, 10));
  mailbox.send('them', part('d', 10));
  assert.equal(sent.length, 0);
  await nextTurn();
  assert.deepEqual(
    sent.map(({ subject }) => subject),
    ['you', 'them'],
  );
  const envelope = Envelope.decode(sent[0]?.bytes ?? new Uint8Array());
  assert.equal(envelope.from, 'me');
  assert.deepEqual(
    envelope.entries.map(({ requestId }) => requestId),
    ['a', 'b', 'c'],
  );
});

test('no envelope exceeds the size of a message, and no entry is lost', async () => {
  const { mailbox, sent } = setUp();
  for (let number = 0; number < 100; number++) mailbox.send('you', part(String(number), 16_000));
  await nextTurn();
  assert.ok(sent.every(({ bytes }) => bytes.length <= messageBytesMax));
  const ids = sent.flatMap(({ bytes }) => Envelope.decode(bytes).entries.map(({ requestId }) => requestId));
  assert.deepEqual(
    ids,
    Array.from({ length: 100 }, (_, number) => String(number)),
  );
});

test('while the bus is away entries are dropped and counted, never kept', async () => {
  const { mailbox, dropped } = setUp(true);
  mailbox.send('you', part('a', 1));
  await nextTurn();
  assert.equal(dropped(), 1);
});
