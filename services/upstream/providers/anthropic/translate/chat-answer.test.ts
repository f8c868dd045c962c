import assert from 'node:assert/strict';
import { test } from 'node:test';
import { textMessage, thoughtMessage, toolMessage } from '../testing/messages.ts';
import { chatAnswer } from './chat-answer.ts';

const answer = (message: object) =>
  JSON.parse(String(chatAnswer(Buffer.from(JSON.stringify(message)), 1_700_000_000_999)));

test('a text', () => {
  assert.deepEqual(answer(textMessage), {
    id: 'chatcmpl-01XFDUDYJgAACzvnptvVoYEL',
    object: 'chat.completion',
    created: 1_700_000_000,
    model: 'claude-sonnet-4-5-20250929',
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content: 'Hello!', refusal: null, annotations: [] },
        logprobs: null,
        finish_reason: 'stop',
      },
    ],
    usage: {
      prompt_tokens: 25,
      completion_tokens: 15,
      total_tokens: 40,
      prompt_tokens_details: { cached_tokens: 0 },
      completion_tokens_details: { reasoning_tokens: 0 },
    },
    service_tier: 'default',
  });
});

test('parallel calls of tools', () => {
  const [choice] = answer(toolMessage).choices;
  assert.equal(choice.finish_reason, 'tool_calls');
  assert.equal(choice.message.content, "I'll check both.");
  assert.deepEqual(choice.message.tool_calls, [
    {
      id: 'toolu_01A09q90qw90lq917835lq9',
      type: 'function',
      function: { name: 'get_weather', arguments: '{"location":"Paris"}' },
    },
    { id: 'toolu_01B09q90qw90lq917835lq9', type: 'function', function: { name: 'get_time', arguments: '{}' } },
  ]);
  const [, call] = toolMessage.content;
  assert.equal(answer({ ...toolMessage, content: [call] }).choices[0].message.content, null);
});

test('what was thought stands beside the text', () => {
  const { choices, usage } = answer(thoughtMessage);
  assert.equal(choices[0].message.reasoning_content, '27 * 453 = 12231');
  assert.equal(choices[0].message.content, '12,231');
  assert.equal(usage.completion_tokens_details.reasoning_tokens, 30);
});

test('each reason to stop', () => {
  for (const [stop_reason, finish] of [
    ['end_turn', 'stop'],
    ['stop_sequence', 'stop'],
    ['pause_turn', 'stop'],
    ['max_tokens', 'length'],
    ['model_context_window_exceeded', 'length'],
    ['tool_use', 'tool_calls'],
    ['refusal', 'content_filter'],
  ])
    assert.equal(answer({ ...textMessage, stop_reason }).choices[0].finish_reason, finish, stop_reason);
});

test('the prompt cache: all parts of the prompt are its tokens, a write for an hour is told', () => {
  const usage = {
    ...{ input_tokens: 10, cache_read_input_tokens: 100, cache_creation_input_tokens: 30, output_tokens: 5 },
    cache_creation: { ephemeral_5m_input_tokens: 10, ephemeral_1h_input_tokens: 20 },
    server_tool_use: { web_search_requests: 2 },
    service_tier: 'priority',
  };
  const told = answer({ ...textMessage, usage });
  assert.equal(told.service_tier, 'priority');
  assert.equal(told.usage.prompt_tokens, 140);
  assert.deepEqual(told.usage.prompt_tokens_details, {
    cached_tokens: 100,
    cache_write_tokens: 30,
    cache_write_tokens_details: { cache_write_1h_tokens: 20 },
  });
  assert.deepEqual(told.usage.server_tool_use, { web_search_requests: 2 });
});

test('what is no message stays as it is', () => {
  for (const text of ['{"ok":true}', 'nonsense']) assert.equal(String(chatAnswer(Buffer.from(text), 0)), text);
});
