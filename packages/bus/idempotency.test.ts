import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { IdempotencyEnd, KeptAnswer } from '@tollgate/contracts';
import { TollgateError } from '@tollgate/errors';
import { keptContentBytesMax, packAnswer, tellIdempotencyEnd, unpackedContent } from './idempotency.ts';
import { payloadBytesMax } from './subjects.ts';

const noBytes = new Uint8Array(0);
const of = (content: Uint8Array) => ({ ...KeptAnswer.decode(noBytes), requestId: 'r', content });

test('a small answer is packed at once, and is what it was', async () => {
  const packed = packAnswer(of(Buffer.from('{"a":1}')));
  assert.ok(packed instanceof Uint8Array, 'nobody has to wait for it');
  const kept = KeptAnswer.decode(packed);
  assert.equal(Buffer.from(await unpackedContent(kept)).toString(), '{"a":1}');
});

test('a long stream fits one message, packed', async () => {
  const stream = Buffer.from('data: {"choices":[{"delta":{"content":"word"}}]}\n\n'.repeat(20_000));
  const packed = await packAnswer(of(stream));
  assert.ok(packed && packed.length < payloadBytesMax);
  assert.ok(stream.equals(await unpackedContent(KeptAnswer.decode(packed))));
});

test('what does not fit is not kept: too long, or too little to pack', async () => {
  assert.equal(await packAnswer(of(Buffer.alloc(keptContentBytesMax + 1))), undefined);
  assert.equal(await packAnswer(of(randomBytes(payloadBytesMax))), undefined);
  const almost = await packAnswer(of(randomBytes(payloadBytesMax - 8192)));
  assert.ok(almost);
});

test('an answer that does not unpack to what it was is no answer', async () => {
  const packed = await packAnswer(of(Buffer.alloc(100_000, 0x61)));
  assert.ok(packed);
  const kept = KeptAnswer.decode(packed);
  await assert.rejects(unpackedContent({ ...kept, contentBytes: 99_999 }), /unpacked to 100000 of 99999/);
});

test('an end is told again until guard-auth says that it knows, three times', async () => {
  const told: IdempotencyEnd[] = [];
  const saying = (...replies: (() => Promise<Uint8Array>)[]) => ({
    request: (_subject: string, bytes: Uint8Array) => {
      told.push(IdempotencyEnd.decode(bytes));
      return (replies.shift() ?? nobody)();
    },
  });
  const nobody = () => Promise.reject(new TollgateError('overloaded'));
  const end = { ...IdempotencyEnd.decode(noBytes), requestId: 'r', unkept: true };
  const once = saying(async () => Uint8Array.of(1));
  assert.equal(await tellIdempotencyEnd(once, end, 0), true);
  assert.equal(told.length, 1);
  const store = saying(
    nobody,
    async () => noBytes,
    async () => Uint8Array.of(1),
  );
  assert.equal(await tellIdempotencyEnd(store, end, 0), true);
  assert.equal(told.length, 4);
  assert.equal(await tellIdempotencyEnd(saying(), end, 0), false);
  assert.equal(told.length, 7);
  assert.ok(told.every(({ requestId, unkept }) => requestId === 'r' && unkept));
});
