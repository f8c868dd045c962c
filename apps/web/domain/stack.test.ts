import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stack, sumAt } from './stack.ts';

test('each series carries those below it, and the highest is drawn first', () => {
  assert.deepEqual(
    stack(
      [
        [1, 0, 2],
        [3, 4, 0],
        [0, 0, 5],
      ],
      3,
    ),
    [
      [4, 4, 7],
      [4, 4, 2],
      [1, 0, 2],
    ],
  );
  assert.deepEqual(stack([], 2), []);
  assert.equal(
    sumAt(
      [
        [1, 2],
        [3, 4],
      ],
      1,
    ),
    6,
  );
});
