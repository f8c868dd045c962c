import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keptItems } from './kept-items.ts';

const idsOf = (value: unknown) =>
  keptItems(Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)), ['output', 'data']);
const content = [{ id: 'part', type: 'output_text', text: '{"id":"text"}', annotations: [{ id: 'note' }] }];
const output = [
  { id: 'rs_1', type: 'reasoning', summary: [{ id: 'summary' }] },
  { type: 'message', content, id: 'msg_1' },
  { id: 7 },
  { type: 'id', status: 'id' },
];

test('the ids of the items that are listed, and of nothing in or beside them', () => {
  const answer = {
    id: 'resp_1',
    tools: [{ id: 'tool' }],
    metadata: { id: 'callers' },
    output,
    text: { data: [{ id: 'x' }] },
  };
  assert.deepEqual(idsOf(answer), ['rs_1', 'msg_1']);
  assert.deepEqual(idsOf(JSON.stringify({ ...answer, store: true }, undefined, 2).replaceAll('":', '" : ')), [
    'rs_1',
    'msg_1',
  ]);
  assert.deepEqual(idsOf({ object: 'list', data: output, first_id: 'rs_1' }), ['rs_1', 'msg_1']);
});

test('what is not stored has none, wherever it says so', () => {
  assert.deepEqual(idsOf({ output, store: false }), []);
  assert.deepEqual(idsOf({ store: false, output }), []);
  assert.deepEqual(idsOf({ output, metadata: { store: false } }), ['rs_1', 'msg_1']);
});

test('what is not well-formed has those before its fault', () => {
  for (const text of ['', '{', '{"output":[{"id"', '{"output":[{"id":', '[{"id":"x"}]', '{"output":"x"}'])
    assert.deepEqual(idsOf(text), [], text);
});
