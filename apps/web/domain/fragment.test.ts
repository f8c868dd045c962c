import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tokenIn } from './fragment.ts';

test('a token comes in the fragment, alone or beside other things', () => {
  assert.equal(tokenIn('#token=abc-_123'), 'abc-_123');
  assert.equal(tokenIn('#a=b&token=x'), 'x');
  for (const fragment of ['', '#', '#token=', '#tokens=x']) assert.equal(tokenIn(fragment), undefined);
});
