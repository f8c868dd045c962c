import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Colors } from './colors.ts';

test('a group keeps its colour, whatever comes later', () => {
  const colors = new Colors();
  assert.equal(colors.of('sales'), '--group-1');
  assert.equal(colors.of('product'), '--group-2');
  assert.equal(colors.of('*'), '--group-rest');
  assert.equal(colors.of('sales'), '--group-1');
  for (let index = 3; index <= 10; index += 1) colors.of(`t${index}`);
  assert.equal(colors.of('t10'), '--group-10');
  assert.equal(colors.of('t11'), '--group-1');
});
