import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Chunks } from './chunks.ts';
import { type StreamRun, streamsText } from './streams.ts';

const event = (content: string) => `data: {"choices":[{"delta":{"content":"${content}"}}]}\n\n`;

test('chunks are counted wherever the bytes are cut, and one out of its place is noticed', () => {
  const text = Buffer.from([event(''), event('0 '), event('1 '), event('12 '), 'data: [DONE]\n\n'].join(''));
  for (let cut = 0; cut <= text.length; cut++) {
    const chunks = new Chunks();
    const came = chunks.read(text.subarray(0, cut)) + chunks.read(text.subarray(cut));
    assert.deepEqual([came, chunks.next, chunks.misplaced, chunks.done], [3, 13, 1, true], `cut at ${cut}`);
  }
});

test('added latency and CPU are compared round by round', () => {
  const run = (contender: string, round: number, firstP50Us: number, ms: number): StreamRun => ({
    ...{ contender, round, open: 10, chunks: 2000, seconds: 10, streams: 20, whole: 20, failed: 0, misplaced: 1 },
    ...{ firstP50Us, firstP99Us: 2 * firstP50Us, cpuMsPer1000: { a: ms } },
  });
  const text = streamsText([
    ...[run('upstream alone', 1, 1000, 1), run('Portkey', 1, 5000, 100), run('Tollgate', 1, 3000, 50)],
    ...[run('upstream alone', 2, 2000, 1), run('Portkey', 2, 9000, 300), run('Tollgate', 2, 5000, 90)],
  ]);
  const ours = text.split('\n').find((line) => line.includes('Tollgate'));
  assert.equal(
    ours,
    "10 streams at 20 chunks/s, Tollgate: 200 chunks/s; first content +2.5 ms p50, +5.0 ms p99; 70 ms of CPU per 1,000 chunks (0.40 of Portkey's); 0 of 40 failed, 2 chunks lost or out of order",
  );
});
