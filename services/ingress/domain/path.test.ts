import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Surface } from '@tollgate/contracts';
import { parsePath, type StoredPath } from './path.ts';

const chat = Surface.CHAT_COMPLETIONS;
const responses = Surface.RESPONSES;
const embeddings = Surface.EMBEDDINGS;
const models = Surface.MODELS;
const messages = Surface.MESSAGES;
const countTokens = Surface.COUNT_TOKENS;

// The forms that official clients really send (table at the end of the behaviour page).
const calls: [string, Surface, string, string][] = [
  ['/openai/responses?api-version=2025-04-01-preview', responses, '', ''],
  ['/openai/v1/responses', responses, '', ''],
  ['/v1/responses', responses, '', ''],
  ['/responses', responses, '', ''],
  ['/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21', chat, '', 'gpt-4o'],
  ['/openai/v1/deployments/gpt-4o/chat/completions', chat, '', 'gpt-4o'],
  ['/openai/deployments/gpt-4o/responses', responses, '', 'gpt-4o'],
  ['/deployments/gpt-4o/chat/completions', chat, '', 'gpt-4o'],
  ['/v1/chat/completions', chat, '', ''],
  ['/openai/v1/chat/completions/', chat, '', ''],
  ['//openai//deployments/gpt-4o/chat/completions', chat, '', 'gpt-4o'],
  ['/enterprise-llm-proxy/openai/responses', responses, 'enterprise-llm-proxy', ''],
  ['/enterprise-llm-proxy/v1/chat/completions', chat, 'enterprise-llm-proxy', ''],
  ['/teams/a/openai/v1/responses', responses, 'teams/a', ''],
  ['/openai/deployments/my%20model/chat/completions', chat, '', 'my model'],
  ['/v1/embeddings', embeddings, '', ''],
  ['/openai/deployments/ada/embeddings?api-version=2024-10-21', embeddings, '', 'ada'],
  ['/enterprise-llm-proxy/openai/v1/embeddings', embeddings, 'enterprise-llm-proxy', ''],
  ['/v1/messages', messages, '', ''],
  ['/v1/messages?beta=true', messages, '', ''],
  ['/messages', messages, '', ''],
  ['/openai/v1/messages/', messages, '', ''],
  ['//v1//messages', messages, '', ''],
  ['/enterprise-llm-proxy/v1/messages', messages, 'enterprise-llm-proxy', ''],
  [
    '/enterprise-llm-proxy/deployments/claude-sonnet-4-5/messages',
    messages,
    'enterprise-llm-proxy',
    'claude-sonnet-4-5',
  ],
  ['/v1/messages/count_tokens?beta=true', countTokens, '', ''],
  ['/enterprise-llm-proxy/messages/count_tokens', countTokens, 'enterprise-llm-proxy', ''],
  ['/v1/deployments/claude/messages/count_tokens', countTokens, '', 'claude'],
  ['/v1/models', models, '', ''],
  ['/openai/models?api-version=2024-10-21', models, '', ''],
  ['/v1/models/gpt-4o', models, '', 'gpt-4o'],
  ['/enterprise-llm-proxy/openai/v1/models/my%2Fmodel', models, 'enterprise-llm-proxy', 'my/model'],
];

for (const [url, surface, context, model] of calls) {
  test(`${url} is read`, () => {
    const method = surface === models ? 'GET' : 'POST';
    assert.deepEqual(parsePath(method, url), { kind: 'call', path: { surface, context, model } });
  });
}

for (const url of [
  '/',
  '/openai',
  '/chat',
  '/openai/deployments/gpt-4o',
  '/v1/completions',
  '/responses/extra/much',
  '/v1/responses/compact',
  '/v1/messages/batches',
  '/v1/count_tokens',
  '/v1/responses/input_tokens',
  '/v1/responses/cancel',
  '/v1/resp_1/cancel',
  '/resp_1',
  '/%E0%A4%A/responses',
]) {
  test(`${url} is not found`, () => {
    assert.equal(parsePath('POST', url).kind, 'not_found');
  });
}

const stored: [string, string, string, string, StoredPath['action']][] = [
  ['GET', '/v1/responses/resp_1', '', 'resp_1', 'retrieve'],
  ['GET', '/responses/resp_1?include[]=x', '', 'resp_1', 'retrieve'],
  ['DELETE', '/openai/v1/responses/resp_1/', '', 'resp_1', 'delete'],
  ['POST', '/openai/responses/resp_1/cancel?api-version=2025-04-01-preview', '', 'resp_1', 'cancel'],
  ['GET', '/enterprise-llm-proxy/openai/responses/resp_1/input_items', 'enterprise-llm-proxy', 'resp_1', 'input_items'],
  ['GET', '/openai/deployments/gpt-4o/responses/resp_a%2Fb', '', 'resp_a/b', 'retrieve'],
];
for (const [method, url, context, responseId, action] of stored) {
  test(`${method} ${url} is read`, () => {
    const surface = Surface.STORED_RESPONSES;
    const path = { surface, context, model: '', stored: { responseId, action } };
    assert.deepEqual(parsePath(method, url), { kind: 'call', path });
  });
}

test('another method says which is allowed', () => {
  assert.deepEqual(parsePath('PUT', '/v1/responses/resp_1'), { kind: 'method_not_allowed', allow: 'GET, DELETE' });
  assert.deepEqual(parsePath('GET', '/v1/responses/resp_1/cancel'), { kind: 'method_not_allowed', allow: 'POST' });
  assert.deepEqual(parsePath('POST', '/v1/responses/resp_1/input_items'), { kind: 'method_not_allowed', allow: 'GET' });
  assert.deepEqual(parsePath('GET', '/v1/chat/completions'), { kind: 'method_not_allowed', allow: 'POST' });
  assert.deepEqual(parsePath('GET', '/v1/messages'), { kind: 'method_not_allowed', allow: 'POST' });
  assert.deepEqual(parsePath('POST', '/v1/models'), { kind: 'method_not_allowed', allow: 'GET' });
  assert.deepEqual(parsePath('DELETE', '/v1/models/gpt-4o'), { kind: 'method_not_allowed', allow: 'GET' });
});
