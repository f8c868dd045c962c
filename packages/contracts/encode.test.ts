import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Entry, Envelope, encode } from './index.ts';

const part = (bytes: number): Entry => ({
  requestId: 'req_1',
  body: { $case: 'bodyPart', value: { offset: 7, data: new Uint8Array(bytes).fill(bytes % 251) } },
});
const envelope = (...entries: Entry[]) => ({ from: 'tg.v1.in.ingress.a', entries, beat: undefined });

test('messages of any size are what the codec alone makes of them, and stay it', () => {
  const sizes = [0, 10, 200, 128 * 1024, 3, 1024 * 1024, 5];
  const made = sizes.map((size) => encode(Envelope, envelope(part(size))));
  for (const [index, size] of sizes.entries()) {
    assert.deepEqual(Buffer.from(made[index] ?? []), Buffer.from(Envelope.encode(envelope(part(size))).finish()));
  }
});

test('after a message that cannot be encoded the next is whole', () => {
  const broken: Entry = {
    requestId: 'req_2',
    body: { $case: 'bodyPart', value: { offset: -0.5, data: new Uint8Array(1) } },
  };
  assert.throws(() => encode(Envelope, envelope(part(50), broken)));
  assert.deepEqual(Envelope.decode(encode(Envelope, envelope(part(9)))), envelope(part(9)));
});
