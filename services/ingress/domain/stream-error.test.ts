import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Surface } from '@tollgate/contracts';
import { streamError } from './stream-error.ts';

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
