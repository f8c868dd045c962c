import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crashesAfter, restartDelayMs, soundAfterMs } from './restart-policy.ts';

test('the first restart is at once, later ones back off up to a bound', () => {
  assert.deepEqual([1, 2, 3, 4, 5].map(restartDelayMs), [0, 250, 500, 1000, 2000]);
  assert.equal(restartDelayMs(9), 15_000);
  assert.equal(restartDelayMs(10_000), 15_000);
});

test('a process that was ready for a while starts counting anew', () => {
  assert.equal(crashesAfter(4, soundAfterMs - 1), 5);
  assert.equal(crashesAfter(4, soundAfterMs), 1);
});
