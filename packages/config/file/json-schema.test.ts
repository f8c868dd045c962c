import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { configJsonSchema } from './json-schema.ts';

test('tollgate.schema.json is current: `npm run generate -w @tollgate/config` writes it', async () => {
  const published = await readFile(new URL('../tollgate.schema.json', import.meta.url), 'utf8');
  assert.deepEqual(JSON.parse(published), JSON.parse(JSON.stringify(configJsonSchema())));
});

test('the schema says what a limit needs and which settings are refused', () => {
  const schema = JSON.parse(JSON.stringify(configJsonSchema()));
  const limit = schema.properties.limits.items;
  assert.equal(limit.required, undefined);
  assert.deepEqual(limit.oneOf[3], { required: ['costUsd', 'window'] });
  assert.deepEqual(limit.oneOf[5], { required: ['concurrency'] });
  assert.equal(limit.additionalProperties, false);
  const proxy = schema.properties.projects.items.properties.proxies.items;
  assert.deepEqual(proxy.properties.capture.not, {});
  assert.match(proxy.properties.capture.description, /Not enforced/);
});
