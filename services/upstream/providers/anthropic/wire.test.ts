import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Provider } from '@tollgate/config';
import { Surface } from '@tollgate/contracts';
import { wireOf } from '../index.ts';

const wire = (endpoint = 'https://api.anthropic.com') => {
  const provider: Provider = { name: 'p', type: 'anthropic', endpoint, insecure: false, models: [] };
  return wireOf(provider);
};

test('messages are below the endpoint, whether it is named with its /v1 or without', () => {
  const path = (endpoint?: string) => wire(endpoint).path(Surface.MESSAGES, 'claude-sonnet-4-6');
  assert.equal(path(), '/v1/messages');
  assert.equal(path('https://api.anthropic.com/v1'), '/v1/messages');
  assert.equal(wire().path(Surface.COUNT_TOKENS, 'm'), '/v1/messages/count_tokens');
  assert.equal(path('https://example.services.ai.azure.com/anthropic'), '/anthropic/v1/messages');
});

test('the key and the version of the wire stand in headers of their own', () => {
  assert.deepEqual(wire().headers('k', 'r'), ['anthropic-version', '2023-06-01', 'x-api-key', 'k']);
  assert.deepEqual(wire().headers(undefined, 'r'), ['anthropic-version', '2023-06-01']);
});

test('what it does not have is refused: embeddings, and responses by id', () => {
  assert.throws(() => wire().path(Surface.EMBEDDINGS, 'm'), RangeError);
  assert.throws(() => wire().stored({ responseId: 'resp_1', action: 'retrieve', query: '' }), RangeError);
});

test('no refusal is billed', () => {
  assert.equal(wire().billsRefusal(400, 'invalid_request_error'), false);
  assert.equal(wire().billsRefusal(429, 'rate_limit_error'), false);
});
