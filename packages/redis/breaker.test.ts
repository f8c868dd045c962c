import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Breaker } from './breaker.ts';

test('opens after three failures in a row, not after three in all', () => {
  const breaker = new Breaker();
  breaker.failed();
  breaker.failed();
  breaker.succeeded();
  breaker.failed();
  breaker.failed();
  assert.equal(breaker.open, false);
  breaker.failed();
  assert.equal(breaker.open, true);
});

test('closes with the first success', () => {
  const breaker = new Breaker();
  for (let failures = 0; failures < 5; failures++) breaker.failed();
  breaker.succeeded();
  assert.equal(breaker.open, false);
});
