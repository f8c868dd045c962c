import assert from 'node:assert/strict';
import { test } from 'node:test';
import { textMessage, thoughtMessage, toolMessage } from '../testing/messages.ts';
import { responseShape } from './response-shape.ts';
import { responsesAnswer } from './responses-answer.ts';
import type { ResponseWish } from './responses-request.ts';
import { openThought } from './thoughts.ts';

const plain: ResponseWish = { summary: false, encrypted: false };

function answer(message: object, wish = plain, request: Record<string, unknown> = {}) {
  const body = Buffer.from(JSON.stringify(message));
  return JSON.parse(String(responsesAnswer(body, responseShape(request, 1_700_000_000_999), wish)));
}

test('a text, with what was asked for beside it', () => {
  const request = { instructions: 'Be brief.', metadata: { a: 'b' }, temperature: 0.5, reasoning: { effort: 'none' } };
  const response = answer(textMessage, plain, request);
  assert.equal(Object.keys(response)[0], 'id', 'whoever looks for it reads no further');
  assert.equal(response.id, 'resp_01XFDUDYJgAACzvnptvVoYEL');
  assert.equal(response.object, 'response');
  assert.equal(response.created_at, 1_700_000_000);
  assert.equal(response.status, 'completed');
  assert.equal(response.incomplete_details, null);
  assert.equal(response.error, null);
  assert.equal(response.model, 'claude-sonnet-4-5-20250929');
  assert.equal(response.store, false, 'nothing is kept');
  assert.equal(response.instructions, 'Be brief.');
  assert.deepEqual(response.metadata, { a: 'b' });
  assert.deepEqual(response.reasoning, { effort: 'none', summary: null });
  assert.equal(response.service_tier, 'default');
  assert.deepEqual(response.output, [
    {
      id: 'msg_01XFDUDYJgAACzvnptvVoYEL_0',
      type: 'message',
      status: 'completed',
      role: 'assistant',
      content: [{ type: 'output_text', annotations: [], logprobs: [], text: 'Hello!' }],
    },
  ]);
  assert.deepEqual(response.usage, {
    input_tokens: 25,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens: 15,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: 40,
  });
});

test('parallel calls of tools', () => {
  const { output, status } = answer(toolMessage);
  assert.equal(status, 'completed');
  assert.deepEqual(output.slice(1), [
    {
      id: 'fc_01XFDUDYJgAACzvnptvVoYEL_1',
      type: 'function_call',
      status: 'completed',
      arguments: '{"location":"Paris"}',
      call_id: 'toolu_01A09q90qw90lq917835lq9',
      name: 'get_weather',
    },
    {
      id: 'fc_01XFDUDYJgAACzvnptvVoYEL_2',
      type: 'function_call',
      status: 'completed',
      arguments: '{}',
      call_id: 'toolu_01B09q90qw90lq917835lq9',
      name: 'get_time',
    },
  ]);
});

test('what was thought: a summary where it is asked for, and what goes back to Anthropic', () => {
  const [hidden, redacted] = answer(thoughtMessage).output;
  assert.deepEqual(hidden, { id: 'rs_01XFDUDYJgAACzvnptvVoYEL_0', type: 'reasoning', summary: [] });
  assert.deepEqual(redacted.summary, []);
  const { output } = answer(thoughtMessage, { summary: true, encrypted: true });
  assert.deepEqual(output[0].summary, [{ type: 'summary_text', text: '27 * 453 = 12231' }]);
  assert.deepEqual(output[1].summary, []);
  assert.deepEqual(openThought(output[0].encrypted_content), thoughtMessage.content[0]);
  assert.deepEqual(openThought(output[1].encrypted_content), thoughtMessage.content[1]);
});

test('what is not whole says why', () => {
  for (const [stop_reason, reason] of [
    ['max_tokens', 'max_output_tokens'],
    ['model_context_window_exceeded', 'max_output_tokens'],
    ['refusal', 'content_filter'],
  ]) {
    const { status, incomplete_details: details } = answer({ ...textMessage, stop_reason });
    assert.deepEqual([status, details], ['incomplete', { reason }]);
  }
});

test('what is no message stays as it is', () => {
  assert.equal(String(responsesAnswer(Buffer.from('[]'), {}, plain)), '[]');
});
