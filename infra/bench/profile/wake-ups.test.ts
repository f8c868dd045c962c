import assert from 'node:assert/strict';
import { test } from 'node:test';
import { wakeUps } from './wake-ups.ts';

test('a process that sleeps and is woken counts up; one that is gone counts nothing', async () => {
  const processes = new Map([
    ['this', [process.pid]],
    ['gone', [2 ** 22 + 1]],
  ]);
  const before = wakeUps(processes);
  for (let times = 0; times < 20; times++) await new Promise((resolve) => setTimeout(resolve, 2));
  const after = wakeUps(processes);
  assert.ok((after.get('this') ?? 0) - (before.get('this') ?? 0) >= 20);
  assert.equal(after.get('gone'), 0);
});
