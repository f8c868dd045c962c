import assert from 'node:assert/strict';
import { test } from 'node:test';
import { suspendedUntilMs } from './suspension.ts';

const settings = { suspendDurationSeconds: 30, maxSuspendSeconds: 300 };

test('the longer of duration and Retry-After counts, within the bound', () => {
  assert.equal(suspendedUntilMs(settings, 0, 1000), 31_000);
  assert.equal(suspendedUntilMs(settings, 5000, 1000), 31_000);
  assert.equal(suspendedUntilMs(settings, 60_000, 1000), 61_000);
  assert.equal(suspendedUntilMs(settings, 86_400_000, 1000), 301_000);
});

test('a duration of 0 switches suspension off, whatever the provider says', () => {
  assert.equal(suspendedUntilMs({ ...settings, suspendDurationSeconds: 0 }, 60_000, 1000), 0);
});
