import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Outflow } from './outflow.ts';

const settle = () => new Promise((resolve) => setImmediate(resolve));

/** A caller with room for so many bytes at a time. */
function setUp(windowBytes: number) {
  const written: Buffer[] = [];
  let room = windowBytes;
  let drained = Promise.withResolvers<void>();
  let rooms = 0;
  const sink = {
    write: (content: Buffer) => {
      written.push(content);
      room -= content.length;
      return room > 0;
    },
    drained: () => drained.promise,
  };
  const outflow = new Outflow(sink, () => rooms++);
  return {
    outflow,
    text: () => Buffer.concat(written).toString(),
    sizes: () => written.map(({ length }) => length),
    rooms: () => rooms,
    consume: async (bytes: number) => {
      room += bytes;
      const before = drained;
      drained = Promise.withResolvers<void>();
      before.resolve();
      await settle();
    },
  };
}

test('with room, what comes goes out at once', () => {
  const { outflow, text } = setUp(1000);
  assert.equal(outflow.push(Buffer.from('ab')), true);
  assert.equal(outflow.push(Buffer.from('cd')), true);
  assert.equal(text(), 'abcd');
});

test('without room the window is passed by one frame at most, in order once there is', async () => {
  const { outflow, text, sizes, consume } = setUp(10_000);
  const content = Buffer.from('0123456789'.repeat(5000));
  assert.equal(outflow.push(content), true, 'the queue is not full yet');
  assert.deepEqual(sizes(), [16_384]);
  for (let round = 0; round < 4; round++) await consume(16_384);
  assert.equal(text(), content.toString());
});

test('a full queue stops the provider, a nearly empty one lets it go on, once', async () => {
  const { outflow, consume, rooms } = setUp(1);
  let pushed = 0;
  while (outflow.push(Buffer.alloc(20_000))) pushed += 20_000;
  assert.ok(pushed > 100_000 && pushed < 200_000);
  assert.equal(outflow.stopped, true);
  await consume(16_384);
  assert.equal(rooms(), 0, 'not for the first free byte');
  for (let round = 0; round < 12; round++) await consume(16_384);
  assert.equal(rooms(), 1);
  assert.equal(outflow.stopped, false);
});

test('what waits for the caller waits between two events, unless one is larger than a frame', async () => {
  for (const end of ['\n\n', '\r\n\r\n']) {
    const { outflow, sizes, consume, text } = setUp(1);
    const events = [6000, 6000, 6000, 20_000, 100].map((bytes) => `data: ${'x'.repeat(bytes)}${end}`);
    outflow.push(Buffer.from(events.join('')));
    for (let round = 0; round < 5; round++) await consume(16_384);
    const around = 6 + end.length;
    // Two small ones, one that the large one does not fit behind, the large one in two parts, and the last with its rest.
    assert.deepEqual(sizes(), [2 * (6000 + around), 6000 + around, 16_384, 20_000 + 100 + 2 * around - 16_384]);
    assert.equal(text(), events.join(''));
  }
});

test('at the end everything leaves', () => {
  const { outflow, text } = setUp(1);
  outflow.push(Buffer.from('ab'));
  outflow.push(Buffer.from('cd'));
  outflow.flush();
  assert.equal(text(), 'abcd');
});
