import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FloorHistory } from './floor-history.ts';

const minuteMs = 60_000;

test('forgets up to where the floor was a quarter of an hour ago', () => {
  const history = new FloorHistory();
  assert.equal(history.add(10, 0), 0);
  assert.equal(history.add(20, 5 * minuteMs), 0);
  assert.equal(history.add(30, 15 * minuteMs), 10);
  assert.equal(history.add(40, 19 * minuteMs), 10);
  assert.equal(history.add(50, 20 * minuteMs), 20);
});

test('begins anew after the bus was away', () => {
  const history = new FloorHistory();
  history.add(10, 0);
  history.reset();
  assert.equal(history.add(20, 16 * minuteMs), 0);
  assert.equal(history.add(30, 31 * minuteMs), 20);
});
