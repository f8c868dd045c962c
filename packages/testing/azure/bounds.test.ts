import assert from 'node:assert/strict';
import test from 'node:test';
import { ResponseStore } from './response-store.ts';
import { TotalsCounter } from './totals.ts';
import { textTurn } from './turns.ts';
import { issuedUsage } from './usage.ts';

test('stored responses are bounded in number and in characters', () => {
  const store = new ResponseStore();
  const add = (id: string, chars: number) =>
    store.add(id, { body: {}, turns: [textTurn('user', 'x'.repeat(chars))], inputItems: [], output: [] });
  for (let index = 0; index < 501; index += 1) add(`small-${index}`, 1);
  assert.equal(store.get('small-0'), undefined);
  assert.ok(store.get('small-1') && store.get('small-500'));

  const third = 24 * 1024 * 1024;
  for (const id of ['a', 'b', 'c']) add(id, third);
  assert.equal(store.get('a'), undefined);
  assert.ok(store.get('b') && store.get('c'));
  store.delete('b');
  add('d', third);
  assert.ok(store.get('c') && store.get('d'), 'what was deleted makes room');
  add('huge', 3 * third);
  assert.equal(store.get('huge'), undefined);
});

test('totals sum what completed calls were told, and names from callers cannot fill them', () => {
  const totals = new TotalsCounter(['gpt-4o']);
  const usage = issuedUsage({ promptTokens: 10, cachedTokens: 4, completionTokens: 5, reasoningTokens: 1 });
  for (const name of ['gpt-4o', 'gpt-4o', 'gpt-4o', 'x', 'y', undefined]) totals.received(name);
  totals.ended('gpt-4o', { completed: true, aborted: false, usage });
  totals.ended('gpt-4o', { completed: false, aborted: true, usage });
  const { deployments, all } = totals.read();
  assert.deepEqual(Object.keys(deployments), ['gpt-4o', 'unknown']);
  assert.deepEqual(deployments['gpt-4o'], {
    calls: 3,
    completed: 1,
    aborted: 1,
    other: 1,
    issued: usage,
    unfinished: usage,
  });
  assert.deepEqual([all.calls, all.other, all.issued.totalTokens], [6, 4, 15]);
});
