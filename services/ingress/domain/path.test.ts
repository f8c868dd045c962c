import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Surface } from '@tollgate/contracts';
import { parsePath } from './path.ts';

const chat = Surface.CHAT_COMPLETIONS;
const responses = Surface.RESPONSES;

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
];

for (const [url, surface, context, model] of calls) {
  test(`${url} is read`, () => {
    assert.deepEqual(parsePath('POST', url), { kind: 'call', path: { surface, context, model } });
  });
}

for (const url of [
  '/',
  '/openai',
  '/chat',
  '/openai/deployments/gpt-4o',
  '/v1/completions',
  '/responses/extra/much',
  '/%E0%A4%A/responses',
]) {
  test(`${url} is not found`, () => {
    assert.equal(parsePath('POST', url).kind, 'not_found');
  });
}

test('another method says which is allowed', () => {
  assert.deepEqual(parsePath('GET', '/v1/chat/completions'), { kind: 'method_not_allowed', allow: 'POST' });
});
