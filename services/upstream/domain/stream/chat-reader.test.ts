import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ChatReader } from './chat-reader.ts';
import type { Step } from './reader.ts';

const base = { id: 'c', object: 'chat.completion.chunk', created: 1, model: 'gpt-4o-2024-11-20' };
const chunk = (choices: object[], more: object = {}) => JSON.stringify({ ...base, choices, ...more });
const delta = (fields: object, finish: string | null = null, index = 0) => ({
  index,
  delta: fields,
  finish_reason: finish,
});
const usage = { prompt_tokens: 9, completion_tokens: 4, total_tokens: 13 };

function reader(includeUsage = false) {
  const chat = new ChatReader({ includeUsage, price: () => '0.0001' });
  return { chat, read: (data: string | undefined): Step => chat.read({ name: '', data }) };
}

function sent(step: Step): Record<string, unknown> {
  assert.ok('rewritten' in step && step.rewritten, 'the event was written anew');
  const text = step.rewritten.toString();
  assert.match(text, /^data: .*\n\n$/);
  return JSON.parse(text.slice(6));
}

test('the role is no content, text is', () => {
  const { read, chat } = reader();
  assert.deepEqual(read(chunk([delta({ role: 'assistant', content: '' })])), { kind: 'pass', content: false });
  assert.deepEqual(read(chunk([delta({ content: 'Hé' })])), { kind: 'pass', content: true });
  assert.equal(chat.textBytes, 3);
});

test('refusals, reasoning and tool calls are content too', () => {
  for (const fields of [
    { refusal: 'no' },
    { reasoning_content: 'hm' },
    { tool_calls: [{ index: 0, id: 'call', function: { name: 'f', arguments: '' } }] },
    { tool_calls: [{ index: 0, custom: { name: 'f', input: 'x' } }] },
    { function_call: { name: 'f', arguments: '{}' } },
  ]) {
    assert.deepEqual(reader().read(chunk([delta(fields)])), { kind: 'pass', content: true });
  }
});

test("Azure's chunk without choices is held, its results ride on the next one", () => {
  const { read } = reader();
  const results = [{ prompt_index: 0, content_filter_results: {} }];
  assert.deepEqual(read(JSON.stringify({ choices: [], created: 0, id: '', prompt_filter_results: results })), {
    kind: 'drop',
  });
  const step = read(chunk([delta({ content: '' })]));
  assert.deepEqual(sent(step).prompt_filter_results, results);
  assert.deepEqual(read(chunk([delta({ content: 'a' })])), { kind: 'pass', content: true }, 'once');
});

test('a missing delta becomes an empty one', () => {
  const step = reader().read(chunk([{ index: 0, finish_reason: null, content_filter_offsets: { check_offset: 3 } }]));
  const [choice] = sent(step).choices as Record<string, unknown>[];
  assert.deepEqual(choice?.delta, {});
  assert.deepEqual(choice?.content_filter_offsets, { check_offset: 3 });
});

test('the usage chunk is hidden from a caller that did not ask, and priced for one that did', () => {
  const hidden = reader();
  assert.deepEqual(hidden.read(chunk([], { usage })), { kind: 'drop' });
  assert.deepEqual(hidden.chat.usage?.tokens, { prompt: 9, completion: 4, cachedPrompt: 0, reasoning: 0 });
  const shown = reader(true);
  assert.deepEqual(sent(shown.read(chunk([], { usage }))).usage, { ...usage, 'x-tollgate-cost-usd': 0.0001 });
});

test('[DONE] ends a stream whose choices are all finished, no other one', () => {
  const { read } = reader();
  read(chunk([delta({ content: 'a' })]));
  read(chunk([delta({ content: 'b' }, null, 1)]));
  read(chunk([delta({}, 'stop')]));
  assert.equal(read('[DONE]').kind, 'garbage');
  read(chunk([delta({}, 'length', 1)]));
  assert.deepEqual(read('[DONE]'), { kind: 'last', failed: false });
  assert.equal(reader().read('[DONE]').kind, 'garbage', 'nothing was said at all');
});

test('an error in the stream counts as its status and keeps its words', () => {
  const error = { message: 'too much', type: 'invalid_request_error', param: null, code: 'context_length_exceeded' };
  const step = reader().read(JSON.stringify({ error }));
  assert.equal(step.kind, 'error');
  assert.ok(step.kind === 'error' && step.refusal);
  assert.equal(step.status, 400);
  assert.deepEqual(JSON.parse(Buffer.from(step.refusal.body).toString()), { error });
});

test('a ping that has a name stays here', () => {
  const { chat } = reader();
  for (const data of ['{"type":"ping"}', undefined])
    assert.deepEqual(chat.read({ name: 'ping', data }), { kind: 'drop' });
});

test('what is no chunk is garbage, a comment is not', () => {
  assert.equal(reader().read('{"choices":[{"ind').kind, 'garbage');
  assert.equal(reader().read('[]').kind, 'garbage');
  assert.equal(reader().read('{"object":"x"}').kind, 'garbage');
  assert.equal(reader().read(chunk(['x' as unknown as object])).kind, 'garbage');
  assert.deepEqual(reader().read(undefined), { kind: 'pass', content: false });
});
