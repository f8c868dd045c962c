import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Provider } from '@tollgate/config';
import { Surface } from '@tollgate/contracts';
import { wireOf } from '../index.ts';

const provider = (fields: Partial<Provider>): Provider => ({
  name: 'p',
  type: 'azure-openai',
  endpoint: 'https://example.openai.azure.com',
  insecure: false,
  models: [{ name: 'm', deployment: 'm', baseModel: 'm' }],
  ...fields,
});
const chat = (fields: Partial<Provider>) => wireOf(provider(fields)).path(Surface.CHAT_COMPLETIONS, 'prod 4o');
const embeddings = (fields: Partial<Provider>) => wireOf(provider(fields)).path(Surface.EMBEDDINGS, 'prod 4o');
const responses = (fields: Partial<Provider>) => wireOf(provider(fields)).path(Surface.RESPONSES, 'prod 4o');

test('Azure with an API version: the classic paths', () => {
  const apiVersion = '2025-04-01-preview';
  assert.equal(chat({ apiVersion }), '/openai/deployments/prod%204o/chat/completions?api-version=2025-04-01-preview');
  assert.equal(responses({ apiVersion }), '/openai/responses?api-version=2025-04-01-preview');
  assert.equal(embeddings({ apiVersion }), '/openai/deployments/prod%204o/embeddings?api-version=2025-04-01-preview');
});

test('Azure without one: /openai/v1', () => {
  assert.equal(chat({}), '/openai/v1/chat/completions');
  assert.equal(responses({}), '/openai/v1/responses');
  assert.equal(embeddings({}), '/openai/v1/embeddings');
});

test('OpenAI: below its endpoint', () => {
  const fields = { type: 'openai', endpoint: 'https://api.openai.com/v1' } as const;
  assert.equal(chat(fields), '/v1/chat/completions');
  assert.equal(responses(fields), '/v1/responses');
  assert.equal(embeddings(fields), '/v1/embeddings');
});

test('a response by its id: where responses are made, with what was asked', () => {
  const stored = (fields: Partial<Provider>, action: string, query = '') => {
    const { method, path } = wireOf(provider(fields)).stored({ responseId: 'resp_1/2', action, query });
    return `${method} ${path}`;
  };
  const apiVersion = '2025-04-01-preview';
  assert.equal(stored({ apiVersion }, 'retrieve'), `GET /openai/responses/resp_1%2F2?api-version=${apiVersion}`);
  assert.equal(
    stored({ apiVersion }, 'input_items', 'limit=2'),
    `GET /openai/responses/resp_1%2F2/input_items?api-version=${apiVersion}&limit=2`,
  );
  assert.equal(stored({}, 'retrieve', 'include=a'), 'GET /openai/v1/responses/resp_1%2F2?include=a');
  assert.equal(stored({}, 'cancel'), 'POST /openai/v1/responses/resp_1%2F2/cancel');
  const openai = { type: 'openai', endpoint: 'https://api.openai.com/v1' } as const;
  assert.equal(stored(openai, 'delete'), 'DELETE /v1/responses/resp_1%2F2');
  assert.throws(() => stored({}, 'rename'), RangeError);
});

test('each has its own header for the key, and none without one', () => {
  assert.deepEqual(wireOf(provider({})).headers('k', 'r'), ['x-ms-client-request-id', 'r', 'api-key', 'k']);
  assert.deepEqual(wireOf(provider({ type: 'openai' })).headers('k', 'r'), [
    'x-client-request-id',
    'r',
    'authorization',
    'Bearer k',
  ]);
  const credential = { entraWorkloadIdentity: { scope: 's' } };
  assert.deepEqual(wireOf(provider({ credential })).headers('token', 'r'), [
    'x-ms-client-request-id',
    'r',
    'authorization',
    'Bearer token',
  ]);
  assert.deepEqual(wireOf(provider({})).headers(undefined, 'r'), ['x-ms-client-request-id', 'r']);
});

test('a surface that the wire does not speak is refused', () => {
  assert.throws(() => wireOf(provider({})).path(Surface.MODELS, 'm'), RangeError);
});
