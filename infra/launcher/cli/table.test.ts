import assert from 'node:assert/strict';
import { test } from 'node:test';
import { table } from './table.ts';

test('a table has aligned columns, numbers to the right', () => {
  const text = table([
    { team: 'engineering', tokens: 5 },
    { team: 'sales', tokens: 12_000, note: null },
  ]);
  assert.equal(text, ['team         tokens  note', 'engineering       5  -', 'sales         12000  -'].join('\n'));
});
