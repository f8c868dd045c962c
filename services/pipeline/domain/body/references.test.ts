import assert from 'node:assert/strict';
import { test } from 'node:test';
import { referencesOf } from './references.ts';

test('what is only a name leads to what the provider keeps', () => {
  const names = [
    { type: 'item_reference', id: 'msg_1' },
    { id: 'msg_2' },
    { type: null, id: 'msg_3' },
    { type: 'reasoning', id: 'rs_1', summary: [{ type: 'summary_text', text: 'Thus' }] },
    { type: 'reasoning', id: 'rs_2', summary: [], encrypted_content: null, content: [] },
    { type: 'image_generation_call', id: 'ig_1' },
    { type: 'image_generation_call', id: 'ig_2', result: null },
  ];
  assert.deepEqual(
    referencesOf(names),
    names.map(({ id }) => id),
  );
});

test('what says itself what it is leads nowhere, nor does what has no id', () => {
  const content = [{ type: 'reasoning_text', text: 'Thus' }];
  const whole = [
    { role: 'user', content: 'x' },
    { id: 'msg_1', role: 'assistant', content: [] },
    { id: 'msg_2', type: 'message', role: 'assistant', content: 'x' },
    { type: 'function_call', id: 'fc_1', call_id: 'call_1', name: 'f', arguments: '{}' },
    { type: 'function_call_output', id: 'fc_2', call_id: 'call_1', output: 'x' },
    { type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: 'gAAA' },
    { type: 'reasoning', id: 'rs_2', summary: [], content },
    { type: 'reasoning', summary: [] },
    { type: 'image_generation_call', id: 'ig_1', result: 'iVBO' },
    { type: 'web_search_call', id: 'ws_1', action: {} },
    { type: 'item_reference' },
    { id: 7 },
    'x',
    null,
  ];
  assert.deepEqual(referencesOf(whole), []);
  for (const input of ['msg_1', undefined, null, { id: 'msg_1' }]) assert.deepEqual(referencesOf(input), []);
});
