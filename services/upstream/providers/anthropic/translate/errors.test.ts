import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Surface } from '@tollgate/contracts';
import { errorEvent, openaiError } from './errors.ts';
import { translate } from './translate.ts';

const call = {
  surface: Surface.CHAT_COMPLETIONS,
  body: Buffer.from('{"messages":[{"role":"user","content":"a"}]}'),
  target: { deployment: 'd', baseModel: 'd' },
  outputTokensMax: undefined,
  nowMs: 0,
};
const refusal = (status: number, body: string) => translate(call)?.refusal(status, Buffer.from(body));

test('a bad request keeps its status and its words', () => {
  const error = { type: 'invalid_request_error', message: 'max_tokens: 99999 > 64000' };
  const said = refusal(400, JSON.stringify({ type: 'error', error, request_id: 'req_1' }));
  assert.equal(said?.status, 400);
  assert.deepEqual(JSON.parse(String(said?.body)), { error: { ...error, param: null, code: null } });
});

test('a prompt that is too long has the code that OpenAI gives it', () => {
  for (const message of [
    'prompt is too long: 208310 tokens > 200000 maximum',
    'input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000',
  ])
    assert.equal(openaiError({ type: 'invalid_request_error', message }, 400).error.code, 'context_length_exceeded');
});

test('an empty account is the operator’s, not the caller’s', () => {
  const message = 'Your credit balance is too low to access the Anthropic API.';
  const { status, error } = openaiError({ type: 'invalid_request_error', message }, 400);
  assert.deepEqual([status, error.type], [402, 'billing_error']);
});

test('an event has the status of its type', () => {
  for (const [type, status] of [
    ['overloaded_error', 529],
    ['rate_limit_error', 429],
    ['api_error', 500],
    ['timeout_error', 504],
    ['invalid_request_error', 400],
    ['authentication_error', 401],
    ['permission_error', 403],
    ['not_found_error', 404],
    ['request_too_large', 413],
    ['something_new', 500],
  ] as const) {
    const step = errorEvent({ type: 'error', error: { type, message: 'm' } });
    assert.ok(step.kind === 'error');
    assert.deepEqual([step.status, step.error.type], [status, type]);
  }
});

test('a page of a proxy’s in between stays as it is', () => {
  assert.deepEqual(refusal(502, '<html>'), { status: 502, body: Buffer.from('<html>') });
});
