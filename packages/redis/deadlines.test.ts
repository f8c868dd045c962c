import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { Deadlines } from './deadlines.ts';

const deadlineMs = 40;

test('any number of calls share one timer, and there is none once no call is under way', async (t) => {
  const timers = t.mock.method(globalThis, 'setTimeout');
  const deadlines = new Deadlines(deadlineMs);
  const late = () => assert.fail('ended in time');
  for (let calls = 0; calls < 1000; calls++) deadlines.delete(deadlines.add(late));
  const calls = Array.from({ length: 1000 }, () => deadlines.add(late));
  for (const call of calls) deadlines.delete(call);
  assert.equal(timers.mock.callCount(), 1);
  await wait(3 * deadlineMs);
  assert.equal(timers.mock.callCount(), 1);
  deadlines.delete(deadlines.add(late));
  assert.equal(timers.mock.callCount(), 2);
});

test('who ends late is told once, in the order of their start; who ended is not', async () => {
  const deadlines = new Deadlines(deadlineMs);
  const told: number[] = [];
  const calls = [0, 1, 2, 3].map((number) => deadlines.add(() => told.push(number)));
  const ended = calls[1];
  assert.ok(ended);
  deadlines.delete(ended);
  await new Promise<void>((resolve) => deadlines.add(resolve));
  assert.deepEqual(told, [0, 2, 3]);
  for (const call of calls) deadlines.delete(call);
  await new Promise<void>((resolve) => deadlines.add(resolve));
  assert.deepEqual(told, [0, 2, 3]);
});

test('a call that began while the timer waited for another one is told at its own time', async () => {
  const deadlines = new Deadlines(deadlineMs);
  // The timer waits for a call that ends; the next one began half a deadline later.
  const first = deadlines.add(() => assert.fail('ended in time'));
  await wait(deadlineMs / 2);
  const startedAtMs = performance.now();
  const second = new Promise<number>((resolve) => deadlines.add(() => resolve(performance.now() - startedAtMs)));
  deadlines.delete(first);
  assert.ok((await second) >= deadlineMs);
  // Begun by the one that was late, in the midst of a sweep.
  const third = await new Promise<number>((resolve) => {
    deadlines.add(() => {
      const againAtMs = performance.now();
      deadlines.add(() => resolve(performance.now() - againAtMs));
    });
  });
  assert.ok(third >= deadlineMs);
});
