import assert from 'node:assert/strict';
import { test } from 'node:test';
import { topLevelText } from './top-level-text.ts';

const idOf = (value: unknown) =>
  topLevelText(Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)), 'id');

test('the id is that of the answer, wherever it stands, and of nothing in it', () => {
  assert.equal(idOf({ id: 'resp_1', output: [] }), 'resp_1');
  const around = {
    metadata: { id: 'resp_of_the_caller' },
    instructions: '{"id":"resp_of_a_text"} \\"id\\":\\"x\\" \\',
    tools: [{ id: 'resp_of_a_tool' }],
    kind: 'id',
  };
  assert.equal(idOf({ ...around, id: 'resp_1', user: 'u' }), 'resp_1');
  assert.equal(idOf(JSON.stringify({ ...around, id: 'resp_1' }, undefined, 2).replaceAll('":', '" : ')), 'resp_1');
  assert.equal(idOf(around), undefined);
});

test('what is no plain text is none', () => {
  for (const id of [null, 7, { id: 'resp_1' }, ['resp_1'], 'a"b']) assert.equal(idOf({ id }), undefined);
  for (const text of ['', '{', '{"id"', '{"id":', '{"id":"resp_1', '[{"id":"resp_1"}]']) {
    assert.doesNotThrow(() => idOf(text), text);
  }
  assert.equal(idOf('[{"id":"resp_1"}]'), undefined);
});
