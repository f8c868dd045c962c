import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { Surface } from '@tollgate/contracts';
import { cacheControl, idempotencyKey, keyHash, metadata, passedHeaders, timeoutMs } from './request-headers.ts';

const sha256 = (text: string) => createHash('sha256').update(text).digest();

test('a key is taken from each of the three headers, and hashed', () => {
  assert.deepEqual(keyHash({ 'x-api-key': 'tg_1' }), sha256('tg_1'));
  assert.deepEqual(keyHash({ 'api-key': 'tg_2' }), sha256('tg_2'));
  assert.deepEqual(keyHash({ authorization: 'Bearer tg_3' }), sha256('tg_3'));
  assert.deepEqual(keyHash({ authorization: 'bearer tg_3' }), sha256('tg_3'));
});

test('without a key, or with another scheme, the hash is empty', () => {
  assert.equal(keyHash({}).length, 0);
  assert.equal(keyHash({ authorization: 'Basic dXNlcjpwYXNz' }).length, 0);
  assert.equal(keyHash({ 'x-api-key': '' }).length, 0);
});

test('only headers of the allow-list pass', () => {
  const headers = { 'openai-beta': 'a', cookie: 'b', authorization: 'c', 'x-api-key': 'd', 'openai-organization': 'e' };
  assert.deepEqual(passedHeaders(headers), { 'openai-beta': 'a' });
  const anthropic = { 'anthropic-beta': 'a-1,b-2', 'anthropic-version': '2023-06-01' };
  const direct = { 'anthropic-dangerous-direct-browser-access': 'true', 'x-stainless-lang': 'js' };
  assert.deepEqual(passedHeaders({ ...anthropic, ...direct }), anthropic);
});

test('metadata is a flat object of at most 16 keys', () => {
  assert.deepEqual(metadata({ 'x-tollgate-metadata': '{"app":"chat","n":3,"on":true}' }), {
    app: 'chat',
    n: '3',
    on: 'true',
  });
  for (const bad of [
    'x',
    '[]',
    'null',
    '{"a":{}}',
    '{"a":null}',
    JSON.stringify(Object.fromEntries(Array.from({ length: 17 }, (_, i) => [i, i]))),
  ]) {
    assert.throws(() => metadata({ 'x-tollgate-metadata': bad }), { code: 'invalid_request' });
  }
});

test('controls outside their values are refused', () => {
  assert.equal(cacheControl({ 'x-tollgate-cache': 'no-store' }), 'no-store');
  assert.throws(() => cacheControl({ 'x-tollgate-cache': 'never' }), { code: 'invalid_request' });
  assert.equal(timeoutMs({ 'x-tollgate-timeout-ms': '1500' }), 1500);
  assert.equal(timeoutMs({ 'x-tollgate-timeout-ms': '999999999' }), 280_000);
  assert.throws(() => timeoutMs({ 'x-tollgate-timeout-ms': '-1' }), { code: 'invalid_request' });
});

test('an idempotency key is 1 to 255 printable characters, or absent, and says nothing where nothing is made', () => {
  const chat = Surface.CHAT_COMPLETIONS;
  for (const surface of [Surface.MODELS, Surface.STORED_RESPONSES]) {
    assert.equal(idempotencyKey({ 'idempotency-key': 'a' }, surface), undefined);
  }
  assert.equal(idempotencyKey({}, chat), undefined);
  for (const key of ['a', 'x'.repeat(255), '8e03978e-40d5-43e8-bc93-6894a57f9324', '"quoted key"']) {
    assert.equal(idempotencyKey({ 'idempotency-key': key }, chat), key);
  }
  for (const key of ['', 'x'.repeat(256), 'tab\t', 'caf\u00e9']) {
    assert.throws(() => idempotencyKey({ 'idempotency-key': key }, chat), {
      code: 'invalid_request',
      param: 'idempotency-key',
    });
  }
});
