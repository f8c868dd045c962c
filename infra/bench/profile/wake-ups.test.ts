import assert from 'node:assert/strict';
import { test } from 'node:test';
import { wakeUps } from './wake-ups.ts';

test('a process that sleeps and is woken counts up; one that is gone counts nothing', async () => {
  const processes = new Map([
    ['this', [process.pid]],
    ['gone', [2 ** 22 + 1]],
  ]);
  const before = wakeUps(processes).get('this') ?? 0;
  let after = wakeUps(processes);
  // Beside others a timer may be due before this process has slept: then it is not woken, and sleeps another time.
  for (let times = 0; times < 5000 && (after.get('this') ?? 0) < before + 20; times++) {
    await new Promise((resolve) => setTimeout(resolve, 2));
    after = wakeUps(processes);
  }
  assert.ok((after.get('this') ?? 0) >= before + 20);
  assert.equal(after.get('gone'), 0);
});
