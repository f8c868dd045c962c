import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Surface } from '@tollgate/contracts';
import { bytesOf, chatAnswer, messageAnswer, responseAnswer, textPart } from '../testdata/answers.ts';
import { type Judged, judge } from './cacheable.ts';

const chat = (answer: unknown) => judge(Surface.CHAT_COMPLETIONS, bytesOf(answer));
const response = (answer: unknown) => judge(Surface.RESPONSES, bytesOf(answer));

const message = (answer: unknown) => judge(Surface.MESSAGES, bytesOf(answer));
const blocks = (...content: object[]) => message(messageAnswer('x', { content }));

const keptOf = (judged: Judged) =>
  'answer' in judged &&
  JSON.parse(typeof judged.answer === 'string' ? judged.answer : Buffer.from(judged.answer).toString());

test('complete answers in words are kept', () => {
  assert.deepEqual(keptOf(chat(chatAnswer())), chatAnswer());
  assert.deepEqual(keptOf(response(responseAnswer())), responseAnswer());
  assert.deepEqual(keptOf(message(messageAnswer())), messageAnswer());
  assert.ok('answer' in message(messageAnswer('x', { stop_reason: 'stop_sequence', stop_sequence: 'y' })));
  const reasoned = responseAnswer('x', {
    output: [{ id: 'rs_1', type: 'reasoning', summary: [] }, ...responseAnswer('x').output],
  });
  assert.ok('answer' in response(reasoned));
});

test('what is incomplete, a tool call, a refusal, empty or bound to the provider is not', () => {
  const call = { id: 'call_1', type: 'function', function: { name: 'f', arguments: '{}' } };
  const output = (item: object) => response(responseAnswer('x', { output: [item] }));
  const cases: [unknown, string][] = [
    [chat(chatAnswer('x', { tool_calls: [call] })), 'tool_calls'],
    [chat(chatAnswer('x', { function_call: { name: 'f' } })), 'tool_calls'],
    [chat(chatAnswer('x', { refusal: 'No.' })), 'refusal'],
    [chat(chatAnswer('x', {}, { finish_reason: 'length' })), 'incomplete'],
    [chat(chatAnswer('x', {}, { finish_reason: 'content_filter' })), 'incomplete'],
    [chat({ ...chatAnswer(), choices: [...chatAnswer().choices, ...chatAnswer().choices] }), 'incomplete'],
    [chat({ error: { message: 'no' } }), 'incomplete'],
    [chat(chatAnswer('')), 'empty'],
    [chat([1]), 'not_json'],
    [response(responseAnswer('x', { status: 'incomplete' })), 'incomplete'],
    [response(responseAnswer('x', { error: { code: 'server_error' } })), 'incomplete'],
    [response(responseAnswer('x', { previous_response_id: 'resp_0' })), 'stateful'],
    [output({ type: 'function_call', name: 'f' }), 'tool_calls'],
    [output({ type: 'web_search_call' }), 'tool_calls'],
    [output({ type: 'reasoning', encrypted_content: 'gAAA' }), 'stateful'],
    [output({ type: 'message', content: [{ type: 'refusal', refusal: 'No.' }] }), 'refusal'],
    [output({ type: 'message', content: [textPart('')] }), 'empty'],
    [message(messageAnswer('x', { stop_reason: 'max_tokens' })), 'incomplete'],
    [message(messageAnswer('x', { stop_reason: 'tool_use' })), 'tool_calls'],
    [message(messageAnswer('x', { stop_reason: 'refusal' })), 'refusal'],
    [message(messageAnswer('x', { container: { id: 'c' } })), 'stateful'],
    [message({ type: 'error', error: {} }), 'incomplete'],
    [message(messageAnswer('')), 'empty'],
    [blocks({ type: 'thinking', thinking: 'x', signature: 'y' }, { type: 'text', text: 'x' }), 'stateful'],
    [blocks({ type: 'text', text: 'x' }, { type: 'web_search_tool_result' }), 'tool_calls'],
    [judge(Surface.EMBEDDINGS, bytesOf({ object: 'list' })), 'surface'],
    [judge(Surface.CHAT_COMPLETIONS, Buffer.from('{"a":')), 'not_json'],
  ];
  for (const [judged, unfit] of cases) assert.deepEqual(judged, { unfit });
});

test('what an answer repeats of its first caller is not kept', () => {
  const own = { metadata: { case: '4711' }, user: 'u-1', safety_identifier: 's-1', prompt_cache_key: 'k-1' };
  const judged = response(responseAnswer('x', own));
  assert.deepEqual(
    keptOf(judged),
    responseAnswer('x', { metadata: {}, user: null, safety_identifier: null, prompt_cache_key: null }),
  );
});
