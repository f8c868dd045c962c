import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Entry } from './entry.ts';
import { EntryTable } from './entry-table.ts';

function entry(): Entry {
  const request = { id: 0, requestId: '', timeoutMs: 1, revision: 0, proxy: '', guardrail: 0, call: undefined };
  return new Entry({ request, encoded: undefined, bytes: 0, wantsEncoded: false }, 0);
}

test('ids pass over the one that is still outstanding, however often they come round', () => {
  const table = new EntryTable(4);
  const slow = entry();
  table.add(slow);
  for (let i = 0; i < 1000; i++) {
    const fast = entry();
    table.add(fast);
    assert.equal(table.get(fast.request.id), fast);
    table.remove(fast);
    assert.equal(table.get(fast.request.id), undefined);
  }
  assert.equal(table.get(slow.request.id), slow);
  assert.equal(table.size, 1);
  assert.deepEqual([...table.entries()], [slow]);
});

test('a removed entry does not take the place of a newer one with it', () => {
  const table = new EntryTable(1);
  const [first, second] = [entry(), entry()];
  table.add(first);
  table.remove(first);
  table.add(second);
  table.remove(first);
  assert.equal(table.size, 1);
  assert.equal(table.get(second.request.id), second);
});

test('all entries are walked, also while they are removed', () => {
  const table = new EntryTable(50);
  const entries = Array.from({ length: 50 }, entry);
  for (const one of entries) table.add(one);
  for (const one of entries.slice(10, 20)) table.remove(one);
  const seen: Entry[] = [];
  for (const one of table.entries()) {
    seen.push(one);
    table.remove(one);
  }
  assert.deepEqual(new Set(seen), new Set([...entries.slice(0, 10), ...entries.slice(20)]));
  assert.equal(table.size, 0);
});
