import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pauseMs, retryAfterMs } from './webhook-retry.ts';

const eventAtMs = 1_700_000_000_000;
const hourMs = 3_600_000;
const longest = () => 0;

test('pauses double from five seconds to an hour, less up to a quarter', () => {
  const pauses = [1, 2, 3, 10, 11, 1000].map((attempt) => pauseMs({ attempt, eventAtMs, nowMs: eventAtMs }, longest));
  assert.deepEqual(pauses, [5000, 10_000, 20_000, 2_560_000, hourMs, hourMs]);
  assert.equal(
    pauseMs({ attempt: 2, eventAtMs, nowMs: eventAtMs }, () => 1),
    7500,
  );
});

test('never before the receiver said, and not beyond a day after the event', () => {
  const at = (change: object) => pauseMs({ attempt: 1, eventAtMs, nowMs: eventAtMs, ...change }, longest);
  assert.equal(at({ retryAfterMs: 60_000 }), 60_000);
  assert.equal(at({ retryAfterMs: 1 }), 5000);
  assert.equal(at({ retryAfterMs: 100 * hourMs }), 24 * hourMs);
  assert.equal(at({ nowMs: eventAtMs + 24 * hourMs - 1000, attempt: 30 }), 1000);
  assert.equal(at({ nowMs: eventAtMs + 24 * hourMs }), undefined);
  assert.equal(at({ gone: true }), undefined);
});

test('Retry-After is seconds or a date', () => {
  assert.equal(retryAfterMs('120', eventAtMs), 120_000);
  assert.equal(retryAfterMs(new Date(eventAtMs + 5000).toUTCString(), eventAtMs), 5000);
  assert.equal(retryAfterMs(new Date(eventAtMs - 5000).toUTCString(), eventAtMs), 0);
  for (const none of [undefined, '', 'soon']) assert.equal(retryAfterMs(none, eventAtMs), undefined);
});
