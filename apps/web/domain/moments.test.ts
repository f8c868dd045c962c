import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatAxisMoment, formatBucket, fromLocalInput, toLocalInput, zoneName } from './moments.ts';

const noon = new Date(2026, 10, 23, 12, 5).getTime();

test('days are those of UTC, times those of this machine', () => {
  const day = Date.UTC(2026, 10, 23);
  assert.equal(formatBucket(day, 'day'), '23 Nov (UTC)');
  assert.equal(zoneName('day', day), 'UTC');
  assert.equal(formatBucket(noon, 'minute'), '23 Nov, 12:05');
});

test('an axis shows the time, and the date where a day begins', () => {
  assert.equal(formatAxisMoment(noon, 600_000, 'minute'), '12:05');
  assert.equal(formatAxisMoment(new Date(2026, 10, 23).getTime(), 3_600_000, 'hour'), '23 Nov');
  assert.equal(formatAxisMoment(noon, 86_400_000, 'hour'), '23 Nov');
});

test('a moment survives the way into a field and back, to the minute', () => {
  assert.equal(toLocalInput(noon), '2026-11-23T12:05');
  assert.equal(fromLocalInput(toLocalInput(noon + 30_000)), noon);
  assert.ok(Number.isNaN(fromLocalInput('')));
});
