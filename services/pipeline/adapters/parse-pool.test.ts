import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import type { Worker } from 'node:worker_threads';
import { Surface } from '@tollgate/contracts';
import { errorTable, TollgateError } from '@tollgate/errors';
import { ParsePool } from './parse-pool.ts';

const kib = 1024;
let pool: ParsePool | undefined;
let threads: Worker[] = [];
process.on('worker', (worker) => threads.push(worker));

afterEach(async () => {
  await pool?.close();
  threads = [];
});

function open(): ParsePool {
  pool = new ParsePool();
  return pool;
}

/** A chat request of exactly so many bytes, whose buffer is its own. */
function bodyOf(bytes: number): Buffer<ArrayBuffer> {
  const around = JSON.stringify({ model: 'gpt-4o', messages: [{ role: 'user', content: '' }] });
  const text = around.replace('""', JSON.stringify('x'.repeat(bytes - around.length)));
  const body = Buffer.from(new ArrayBuffer(bytes));
  assert.equal(body.write(text), bytes);
  return body;
}

const textsIn = (body: Buffer): string[] =>
  JSON.parse(body.toString()).messages.map(({ content }: { content: string }) => content);
const read = (parser: ParsePool, body: Buffer) => parser.read(body, Surface.CHAT_COMPLETIONS, undefined, false);

test('a body of 256 KiB is read where it is, at once', () => {
  const bytes = bodyOf(256 * kib);
  const answer = read(open(), bytes);
  assert.ok(!(answer instanceof Promise));
  assert.equal(answer.body.bytes, bytes);
  assert.deepEqual(answer.body.texts(), textsIn(bytes));
  assert.deepEqual(threads, []);
});

test('one byte more is handed over to a worker thread, and comes back whole; large ones share it', async () => {
  const parser = open();
  const bytes = bodyOf(256 * kib + 1);
  const given = bytes.buffer;
  const answer = read(parser, bytes);
  assert.ok(answer instanceof Promise);
  assert.equal(given.detached, true, 'the bytes are not copied');
  const { body } = await answer;
  const same = bodyOf(256 * kib + 1);
  assert.ok(body.bytes.equals(same));
  assert.deepEqual(body.texts(), textsIn(same));
  await Promise.all([read(parser, bodyOf(300 * kib)), read(parser, bodyOf(300 * kib))]);
  assert.equal(threads.length, 1);
});

test('64 large bodies at once, beyond them 503; small ones pass; then large ones again', async () => {
  const parser = open();
  const taken = Array.from({ length: 64 }, () => read(parser, bodyOf(300 * kib)));
  await assert.rejects(
    async () => read(parser, bodyOf(300 * kib)),
    (error) => {
      assert.ok(error instanceof TollgateError);
      assert.deepEqual([error.code, errorTable[error.code].status], ['overloaded', 503]);
      return true;
    },
  );
  assert.ok(!(read(parser, bodyOf(kib)) instanceof Promise));
  await Promise.all(taken);
  await read(parser, bodyOf(300 * kib));
});

test('what is wrong in a large body is said as in a small one', async () => {
  for (const bytes of [kib, 300 * kib]) {
    const broken = bodyOf(bytes);
    broken[bytes - 1] = 0x20;
    await assert.rejects(async () => read(open(), broken), { code: 'invalid_json' });
  }
});
