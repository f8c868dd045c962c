import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Surface } from '@tollgate/contracts';
import { indexBody } from './index-body.ts';
import { inputParts } from './input-bound.ts';

const chat = (member: object) => inputParts({ model: 'x', messages: [], ...member }, Surface.CHAT_COMPLETIONS);
const said = (...content: unknown[]) => chat({ messages: [{ role: 'user', content }] });
const responses = (member: object) => inputParts({ model: 'x', ...member }, Surface.RESPONSES);
const item = (...input: unknown[]) => responses({ input });
const plain = { images: 0, files: 0, dataBytes: 0, unbounded: '' };

test('texts and tools of the caller are bounded by their bytes', () => {
  const tools = [{ type: 'function', function: { name: 'f' } }, { type: 'custom' }];
  const calls = [
    { role: 'assistant', content: null, audio: null, tool_calls: [] },
    { role: 'tool', content: 'x' },
  ];
  assert.deepEqual(chat({ tools, messages: calls, stream: true, stream_options: {}, n: 2, seed: 1 }), plain);
  assert.deepEqual(said({ type: 'text', text: 'x' }, { type: 'refusal', refusal: 'x' }), plain);
  assert.deepEqual(chat({ modalities: ['text'], prediction: null, audio: null }), plain);
  assert.deepEqual(responses({ input: 'x', instructions: 'y', background: false, tools, client_metadata: {} }), plain);
  const output = [{ type: 'input_text', text: 'x' }];
  assert.deepEqual(item({ role: 'user', content: 'x' }, { type: 'function_call_output', output }), plain);
});

test('images and files are counted, and their data is no text', () => {
  const data = 'data:image/png;base64,AAAA';
  assert.deepEqual(said({ type: 'image_url', image_url: { url: data } }, { type: 'text', text: 'x' }), {
    ...plain,
    images: 1,
    dataBytes: data.length,
  });
  assert.deepEqual(said({ type: 'file', file: { file_data: 'AAAA', filename: 'a.pdf' } }), {
    ...plain,
    files: 1,
    dataBytes: 4,
  });
  const output = [
    { type: 'input_image', image_url: data },
    { type: 'input_file', file_id: 'file-1' },
  ];
  assert.deepEqual(item({ role: 'user', content: output }, { type: 'function_call_output', output }), {
    images: 2,
    files: 2,
    dataBytes: 2 * data.length,
    unbounded: '',
  });
});

test('what stands elsewhere has no bound, nor has what is not known', () => {
  for (const member of ['previous_response_id', 'conversation', 'prompt', 'context_management', 'messages', 'n']) {
    assert.equal(responses({ input: 'x', [member]: 'y' }).unbounded, member);
  }
  for (const member of ['web_search_options', 'prediction', 'audio', 'data_sources', 'anything_new']) {
    assert.equal(chat({ [member]: {} }).unbounded, member);
  }
  assert.equal(responses({ background: true }).unbounded, '', 'its provider knows nothing of it');
  assert.equal(chat({ modalities: ['text', 'audio'] }).unbounded, 'modalities');
  assert.equal(responses({ tools: [{ type: 'function' }, { type: 'web_search' }] }).unbounded, 'tools[1].type');
  assert.equal(chat({ tools: [null] }).unbounded, 'tools[0].type');
  assert.equal(item('x', { type: 'item_reference', id: 'rs_1' }).unbounded, 'input[1].type');
  assert.equal(item({ id: 'msg_1' }).unbounded, 'input[0].type', 'an item by its id alone');
  assert.equal(item({ type: 'reasoning', id: 'rs_1', summary: [] }).unbounded, 'input[0].type');
  assert.equal(said({ type: 'input_audio', input_audio: {} }).unbounded, 'messages[0].content[0].type');
  assert.equal(said({ type: 'text' }, null).unbounded, 'messages[0].content[1].type');
  assert.equal(chat({ messages: [{ role: 'assistant', audio: { id: 'a' } }] }).unbounded, 'messages[0].audio');
  assert.equal(inputParts({ input: 'x' }, Surface.MODELS).unbounded, 'input', 'a surface without rules of its own');
  assert.equal(inputParts({ input: [[1, 2], [3]], dimensions: 8 }, Surface.EMBEDDINGS).unbounded, '');
});

test('is looked for only where it was asked for', () => {
  const bytes = Buffer.from('{"input":"x","prompt":{"id":"p"}}');
  assert.equal(indexBody(bytes, Surface.RESPONSES).input, undefined);
  assert.equal(indexBody(bytes, Surface.RESPONSES, true).input?.unbounded, 'prompt');
});

test('messages: the text of blocks, images and documents of any source, and nothing that brings more than it says', () => {
  const call = (member: object) => inputParts({ model: 'x', max_tokens: 5, messages: [], ...member }, Surface.MESSAGES);
  const turn = (...content: unknown[]) => call({ messages: [{ role: 'user', content }] });
  const base64 = (data: string) => ({ type: 'base64', media_type: 'x/y', data });
  const tools = [
    { name: 'f', input_schema: {} },
    { type: 'custom', name: 'g' },
  ];
  const thinking = { type: 'enabled', budget_tokens: 1024 };
  assert.deepEqual(call({ system: [{ type: 'text', text: 'x' }], tools, thinking, metadata: { user_id: 'u' } }), plain);
  assert.deepEqual(
    turn({ type: 'thinking' }, { type: 'tool_use' }, { type: 'tool_result', content: 'x' }, { type: 'text' }),
    plain,
  );
  assert.deepEqual(
    turn(
      { type: 'image', source: base64('AAAA') },
      { type: 'tool_result', content: [{ type: 'image', source: { type: 'url', url: 'x' } }] },
      { type: 'document', source: base64('AAAAAA') },
      { type: 'document', source: { type: 'text', data: 'plain' } },
      { type: 'document', source: { type: 'content', content: [{ type: 'text' }] } },
    ),
    { images: 2, files: 1, dataBytes: 10, unbounded: '' },
  );
  assert.equal(
    call({ context_management: { edits: [{ type: 'clear_thinking_20251015', keep: 'all' }] } }).unbounded,
    '',
  );
  assert.equal(call({ context_management: { edits: [{ type: 'compact_20260112' }] } }).unbounded, 'context_management');
  for (const member of ['mcp_servers', 'container', 'context_management', 'anything_new'])
    assert.equal(call({ [member]: {} }).unbounded, member);
  const server = { tools: [{ name: 'f' }, { type: 'web_search_20250305', name: 'web_search' }] };
  assert.equal(call(server).unbounded, 'tools[1].type');
  assert.equal(turn({ type: 'text' }, { type: 'container_upload' }).unbounded, 'messages[0].content[1].type');
});
