import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changesText } from './apply.ts';

test('a difference says what is new, gone and other', () => {
  const text = changesText([
    { kind: 'added', path: 'teams.sales', to: { name: 'sales' } },
    { kind: 'removed', path: 'teams.product', from: 'x' },
    { kind: 'changed', path: 'limit', from: 1, to: 2 },
  ]);
  assert.equal(text, '+ teams.sales: {"name":"sales"}\n- teams.product: "x"\n~ limit: 1 → 2');
  assert.match(changesText([]), /Nothing differs/);
});
