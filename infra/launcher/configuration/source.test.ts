import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { configurationFile, demoConfiguration, mustApply } from './source.ts';

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

test('the file of prices stands beside the configuration; other prices are another configuration', (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'tollgate-prices-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = path.join(folder, 'tollgate.yaml');
  writeFileSync(file, 'priceList: { file: prices.yaml }\n');
  assert.throws(() => configurationFile(file), /priceList\.file: .*prices\.yaml cannot be read/);
  writeFileSync(path.join(folder, 'prices.yaml'), 'gpt-4o: 1\n');
  const first = configurationFile(file);
  assert.deepEqual(first.files, { 'prices.yaml': 'gpt-4o: 1\n' });
  writeFileSync(path.join(folder, 'prices.yaml'), 'gpt-4o: 2\n');
  assert.equal(mustApply(configurationFile(file), first.sha256), true);
});
