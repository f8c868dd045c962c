import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BackgroundChunk } from '@tollgate/contracts';
import { Resume } from './resume.ts';
import { eventText } from './run-events.ts';

function chunk(run: number, from: number, to: number): BackgroundChunk {
  const events = Array.from({ length: to - from + 1 }, (_, at) =>
    eventText('x', { type: 'x', sequence_number: from + at, run }),
  );
  const content = Buffer.concat(events);
  return { run, number: 0, content, nextSequence: to + 1, textBytes: 0, target: undefined };
}

function numbers(resume: Resume, ...chunks: BackgroundChunk[]): (number[] | 'lost')[] {
  return chunks.map((one) => {
    const read = resume.read(one);
    if (read.kind === 'lost') return 'lost';
    return [...read.bytes.toString().matchAll(/"sequence_number":(\d+)/g)].map(([, number]) => Number(number));
  });
}

const admission = chunk(0, 0, 1);

test('from the beginning everything, behind an event what came after it', () => {
  const whole = [admission, chunk(1, 2, 4), chunk(1, 5, 6)];
  assert.deepEqual(numbers(new Resume(undefined, 1, 2), ...whole), [
    [0, 1],
    [2, 3, 4],
    [5, 6],
  ]);
  assert.deepEqual(numbers(new Resume(0, 1, 2), ...whole), [[1], [2, 3, 4], [5, 6]]);
  assert.deepEqual(numbers(new Resume(3, 1, 2), ...whole), [[], [4], [5, 6]]);
  assert.deepEqual(numbers(new Resume(6, 1, 2), ...whole), [[], [], []]);
});

test('an event may be cut between two pieces', () => {
  const { content, ...rest } = chunk(1, 2, 3);
  const [first, second] = [content.subarray(0, 60), content.subarray(60)];
  const resume = new Resume(undefined, 1, 2);
  const read = numbers(resume, { ...rest, content: first }, { ...rest, content: second });
  assert.deepEqual(read.flat(), [2, 3]);
});

test('what a lost run wrote is nobody else’s: who comes later does not see it, who has read of it does not read on', () => {
  const all = [admission, chunk(1, 2, 4), chunk(2, 5, 7)];
  assert.deepEqual(numbers(new Resume(undefined, 2, 5), ...all), [[0, 1], [], [5, 6, 7]]);
  // It was there while the first run still wrote.
  assert.deepEqual(numbers(new Resume(undefined, 1, 2), ...all), [[0, 1], [2, 3, 4], 'lost']);
  // It came back with an event of the first run.
  assert.equal(new Resume(3, 2, 5).lost, true);
  assert.equal(new Resume(4, 2, 5).lost, true, 'its last one too');
  assert.equal(new Resume(5, 2, 5).lost, false);
  assert.deepEqual(numbers(new Resume(5, 2, 5), ...all), [[], [], [6, 7]]);
});

test('who has only heard that it is queued reads any run', () => {
  const resume = new Resume(1, 1, 2);
  assert.equal(resume.lost, false);
  assert.deepEqual(numbers(resume, admission, chunk(1, 2, 3)), [[], [2, 3]]);
  const later = new Resume(1, 2, 5);
  assert.equal(later.lost, false);
  assert.deepEqual(numbers(later, admission, chunk(1, 2, 4), chunk(2, 5, 6)), [[], [], [5, 6]]);
});
