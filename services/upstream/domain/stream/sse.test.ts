import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ByteRuns } from './byte-runs.ts';
import { readEvent, SseSplitter } from './sse.ts';

const text = ': hello\n\nevent: a\ndata: {"x":1}\n\ndata: one\ndata: two\r\n\r\ndata:\n\n';
const blocks = [': hello\n\n', 'event: a\ndata: {"x":1}\n\n', 'data: one\ndata: two\r\n\r\n', 'data:\n\n'];

function split(chunks: Buffer[], bytesMax = 1000): string[] {
  const found: string[] = [];
  const splitter = new SseSplitter(bytesMax);
  for (const chunk of chunks) {
    splitter.push(chunk, (buffer, start, end) => found.push(buffer.toString('utf8', start, end)));
  }
  return found;
}

test('events come out whole, wherever the bytes were cut', () => {
  const bytes = Buffer.from(text);
  for (let at = 0; at <= bytes.length; at++) {
    assert.deepEqual(split([bytes.subarray(0, at), bytes.subarray(at)]), blocks, `cut at ${at}`);
  }
  assert.deepEqual(split([...bytes].map((byte) => Buffer.from([byte]))), blocks, 'byte by byte');
});

test('what arrives whole is not copied', () => {
  const bytes = Buffer.from(text);
  new SseSplitter(1000).push(bytes, (buffer) => assert.equal(buffer, bytes));
});

test('an event that never ends is bounded', () => {
  assert.throws(() => split([Buffer.from('data: 12345'), Buffer.from('6789\n')], 12), RangeError);
  assert.deepEqual(split([Buffer.from('data: 1\n\n'), Buffer.from('data: 2\n\n')], 12), ['data: 1\n\n', 'data: 2\n\n']);
});

test('fields are read as the standard says', () => {
  const read = (block: string) => readEvent(Buffer.from(block), 0, Buffer.byteLength(block));
  assert.deepEqual(read('event: a\ndata: {"x":"é"}\n\n'), { name: 'a', data: '{"x":"é"}' });
  assert.deepEqual(read('data:no space\ndata:  two\r\n\r\n'), { name: '', data: 'no space\n two' });
  assert.deepEqual(read(': comment\nid: 4\n\n'), { name: '', data: undefined });
});

test('neighbours leave as one piece without a copy, others in order', () => {
  const one = Buffer.from('abcdef');
  const runs = new ByteRuns();
  runs.add(one, 0, 2);
  runs.add(one, 2, 5);
  const taken = runs.take();
  assert.equal(taken.toString(), 'abcde');
  assert.equal(taken.buffer, one.buffer);
  runs.add(one, 0, 1);
  runs.add(Buffer.from('X'), 0, 1);
  runs.add(one, 4, 6);
  assert.equal(runs.bytes, 4);
  assert.equal(runs.take().toString(), 'aXef');
  assert.equal(runs.bytes, 0);
});
