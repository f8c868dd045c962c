import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Percentile90 } from './percentile.ts';

function of(...values: number[]): Percentile90 {
  const percentile = new Percentile90();
  for (const value of values) percentile.add(value);
  return percentile;
}

const isNear = (actual: number | undefined, expected: number) =>
  assert.ok(actual !== undefined && actual >= expected && actual <= expected * 1.1001, `${actual} is not ${expected}`);

test('is not known before twenty values', () => {
  assert.equal(of(...Array(19).fill(5)).value, undefined);
  isNear(of(...Array(20).fill(5)).value, 5);
});

test('nine of ten are below it', () => {
  isNear(of(...Array.from({ length: 100 }, (_, at) => at + 1)).value, 90);
  isNear(of(...Array(88).fill(10), ...Array(12).fill(5000)).value, 5000);
  isNear(of(...Array(92).fill(10), ...Array(8).fill(5000)).value, 10);
});

test('follows what comes now', () => {
  isNear(of(...Array(5000).fill(1000), ...Array(2000).fill(10)).value, 10);
  isNear(of(...Array(5000).fill(10), ...Array(100).fill(1000)).value, 1000);
});

test('takes the smallest and the largest numbers', () => {
  isNear(of(...Array(20).fill(0)).value, 1);
  assert.ok((of(...Array(20).fill(1e12)).value ?? 0) > 1e7);
});
