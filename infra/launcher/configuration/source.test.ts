import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import { demoConfiguration, mustApply } from './source.ts';

test('a configuration is applied when it differs from the one applied last', () => {
  const first = demoConfiguration({ endpoint: 'http://127.0.0.1:9000' });
  assert.equal(mustApply(first, undefined), true);
  assert.equal(mustApply(first, first.sha256), false);
  assert.equal(mustApply(demoConfiguration({ endpoint: 'http://127.0.0.1:9001' }), first.sha256), true);
});

test('the demo is YAML with the given provider, whatever characters its address has', () => {
  const { text } = demoConfiguration({ endpoint: 'https://a.example/"x"#y', apiVersion: '2024-10-21' });
  const [provider] = parse(text).providers;
  assert.equal(provider.endpoint, 'https://a.example/"x"#y');
  assert.equal(provider.apiVersion, '2024-10-21');
  assert.deepEqual(provider.apiKey, { env: 'AZURE_OPENAI_API_KEY' });
});
