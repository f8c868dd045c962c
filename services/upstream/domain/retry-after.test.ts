import assert from 'node:assert/strict';
import { test } from 'node:test';
import { retryAfterMs } from './retry-after.ts';

const now = Date.parse('2026-03-01T12:00:00Z');

test('milliseconds win over seconds', () => {
  assert.equal(retryAfterMs({ 'retry-after-ms': '1250', 'retry-after': '30' }, now), 1250);
  assert.equal(retryAfterMs({ 'retry-after-ms': 'soon', 'retry-after': '30' }, now), 30_000);
});

test('seconds, whole or not, and dates are understood', () => {
  assert.equal(retryAfterMs({ 'retry-after': '2' }, now), 2000);
  assert.equal(retryAfterMs({ 'retry-after': '0.5' }, now), 500);
  assert.equal(retryAfterMs({ 'retry-after': 'Sun, 01 Mar 2026 12:00:07 GMT' }, now), 7000);
  assert.equal(retryAfterMs({ 'retry-after': '86400' }, now), 86_400_000);
});

test('what says nothing is 0', () => {
  for (const headers of [{}, { 'retry-after': '' }, { 'retry-after': '-4' }, { 'retry-after': 'later' }]) {
    assert.equal(retryAfterMs(headers, now), 0);
  }
  assert.equal(retryAfterMs({ 'retry-after': 'Sun, 01 Mar 2026 11:59:59 GMT' }, now), 0);
});
