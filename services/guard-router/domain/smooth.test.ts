import assert from 'node:assert/strict';
import { test } from 'node:test';
import { smoothTurn } from './smooth.ts';

function turns(weights: number[], count: number, usable = (_: number) => true, currents: number[] = []): number[] {
  return Array.from({ length: count }, () => smoothTurn(weights, currents, usable));
}

test('each has its weight of the turns, spread out', () => {
  assert.deepEqual(turns([5, 1, 1], 7), [0, 0, 1, 0, 2, 0, 0]);
  assert.deepEqual(turns([1, 1], 4), [0, 1, 0, 1]);
});

test('who is out neither gains nor loses: back again it does not make up for its turns', () => {
  const currents: number[] = [];
  turns([3, 1], 2, undefined, currents);
  assert.deepEqual(
    turns([3, 1], 10, (position) => position === 1, currents),
    Array.from({ length: 10 }, () => 1),
  );
  const back = turns([3, 1], 4, undefined, currents);
  assert.deepEqual(back.toSorted(), [0, 0, 0, 1]);
});

test('nobody may: nobody does', () => {
  assert.deepEqual(
    turns([3, 1], 1, () => false),
    [-1],
  );
});
