import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ByteRuns } from './byte-runs.ts';

test('what is inserted stands before the last byte of its place, once, and in its own piece of the buffer only', () => {
  const inserted = { literal: Buffer.from('"a"'), bytes: Buffer.from('~t') };
  const buffer = Buffer.from('{"x":"a","y":"a"}{"x":"b"}{"x":"a"}');
  const out = new ByteRuns();
  out.addWith(inserted, buffer, 0, 17);
  out.addWith(inserted, buffer, 17, 26);
  out.addWith(inserted, buffer, 26, 35);
  assert.equal(out.bytes, 39);
  assert.equal(out.take().toString(), '{"x":"a~t","y":"a"}{"x":"b"}{"x":"a~t"}');
  out.addWith(inserted, buffer, 17, 26);
  assert.equal(out.take().buffer, buffer.buffer, 'not copied');
});
