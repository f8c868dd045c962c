import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Surface } from '@tollgate/contracts';
import { endsEvent, streamError, streamRefusal } from './stream-error.ts';

const error = {
  code: 'gateway_interrupted',
  message: 'A replica died.',
  param: '',
  internal: 'secret',
  retryAfterMs: 0,
  headers: {},
};

test('chat gets a data line with the error and nothing after it', () => {
  const text = streamError(Surface.CHAT_COMPLETIONS, error, 'req_1', new Uint8Array(0));
  assert.match(text, /^data: \{"error":\{.*\}\}\n\n$/);
  assert.equal(JSON.parse(text.slice(6)).error.code, 'gateway_interrupted');
  assert.ok(!text.includes('secret'));
});

test('responses get a typed event whose number continues the count', () => {
  const last = Buffer.from('data: {"sequence_number":7}\n\ndata: {"type":"x","sequence_number": 12,"delta":"a"}\n\n');
  const text = streamError(Surface.RESPONSES, error, 'req_1', last);
  assert.match(text, /^event: error\ndata: /);
  const event = JSON.parse(text.slice(text.indexOf('data: ') + 6));
  assert.equal(event.type, 'error');
  assert.equal(event.sequence_number, 13);
  assert.equal(event.code, 'gateway_interrupted');
  assert.equal(event.error.code, 'gateway_interrupted');
});

test("messages get the error event of Anthropic's API", () => {
  const text = streamError(Surface.MESSAGES, error, 'req_1', new Uint8Array(0));
  assert.match(text, /^event: error\ndata: .*\n\n$/);
  assert.deepEqual(JSON.parse(text.slice(text.indexOf('data: ') + 6)), {
    type: 'error',
    error: { type: 'api_error', message: 'A replica died.', code: 'gateway_interrupted' },
    request_id: 'req_1',
  });
  const said = { type: 'error', error: { type: 'invalid_request_error', message: 'No.' }, request_id: 'req_0' };
  const refusal = streamRefusal(Surface.MESSAGES, Buffer.from(JSON.stringify(said, null, 2)));
  assert.match(refusal, /^event: error\ndata: .*\n\n$/);
  assert.deepEqual(JSON.parse(refusal.slice(refusal.indexOf('data: ') + 6)), said);
  assert.match(streamRefusal(Surface.MESSAGES, Buffer.from('<html>')), /^event: error\ndata: \{"type":"error",/);
});

test('a provider’s own error is an event, whole, in one line', () => {
  const error = { code: 'content_filter', message: 'No.', param: 'prompt', type: null, innererror: { code: 'x' } };
  const body = Buffer.from(JSON.stringify({ error }, null, 2));
  const chat = streamRefusal(Surface.CHAT_COMPLETIONS, body);
  assert.match(chat, /^data: .*\n\n$/);
  assert.deepEqual(JSON.parse(chat.slice(6)), { error });
  const responses = streamRefusal(Surface.RESPONSES, body);
  assert.match(responses, /^event: error\ndata: .*\n\n$/);
  const { code, message, param } = error;
  assert.deepEqual(JSON.parse(responses.slice(responses.indexOf('data: ') + 6)), {
    ...{ type: 'error', sequence_number: 0, code, message, param, error },
  });
  for (const other of ['<html>', 'null', '{"error":"no"}'])
    assert.match(
      streamRefusal(Surface.CHAT_COMPLETIONS, Buffer.from(other)),
      /^data: \{"error":\{"message":".+"\}\}\n\n$/,
    );
});

test('only behind a blank line may something follow', () => {
  for (const whole of ['', 'data: x\n\n', 'data: x\r\n\r\n', 'data: x\n\r\n'])
    assert.ok(endsEvent(Buffer.from(whole)), whole);
  for (const half of ['data: x', 'data: x\n', 'data: x\r\n', '\n', 'event: a\ndata: {"te'])
    assert.ok(!endsEvent(Buffer.from(half)), half);
});
