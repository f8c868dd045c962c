import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Surface } from '@tollgate/contracts';
import { usdText } from './cost.ts';
import { incomingHeaders, mediaType, outgoingHeaders } from './headers.ts';
import { proxyFor } from './proxy-for.ts';
import { spliceModel } from './splice-model.ts';
import { attemptByMs } from './time-limits.ts';

test('nano-dollars are written as dollars', () => {
  assert.equal(usdText(0), '0');
  assert.equal(usdText(12_750), '0.00001275');
  assert.equal(usdText(1_000_000_000), '1');
  assert.equal(usdText(2_500_000_001), '2.500000001');
});

test('headers pass by allow-list, both ways', () => {
  const sent = { 'openai-beta': 'x', authorization: 'Bearer y', cookie: 'z', 'anthropic-beta': 'b', 'x-api-key': 'k' };
  assert.deepEqual(outgoingHeaders(sent, Surface.CHAT_COMPLETIONS), ['openai-beta', 'x']);
  for (const surface of [Surface.MESSAGES, Surface.COUNT_TOKENS]) {
    assert.deepEqual(outgoingHeaders({ ...sent, 'anthropic-version': 'v' }, surface), [
      ...['anthropic-beta', 'b', 'anthropic-version', 'v'],
    ]);
  }
  const answer = {
    'content-type': 'application/json',
    'set-cookie': ['a=b'],
    'openai-organization': 'org',
    'x-ms-region': 'Sweden Central',
    'x-ratelimit-remaining-tokens': '1',
    'retry-after': '3',
  };
  assert.deepEqual(incomingHeaders(answer), { 'content-type': 'application/json' });
  assert.equal(mediaType({ 'content-type': 'Text/Event-Stream; charset=utf-8' }), 'text/event-stream');
});

test('the model is replaced, and every other byte stays', () => {
  const body = Buffer.from('{ "model" : "gpt-4o" ,"x":"gpt-4o"}');
  const offset = body.indexOf('"gpt-4o"');
  assert.equal(spliceModel(body, offset, 8, 'prod-4o').toString(), '{ "model" : "prod-4o" ,"x":"gpt-4o"}');
  assert.equal(spliceModel(body, offset, 8, 'gpt-4o'), body, 'no copy when it says the same');
});

test('a body without a model gets one', () => {
  assert.equal(spliceModel(Buffer.from('{"input":1}'), 1, 0, 'a"b').toString(), '{"model":"a\\"b","input":1}');
});

test('a span outside of the body is refused', () => {
  assert.throws(() => spliceModel(Buffer.from('{}'), 1, 9, 'm'), RangeError);
});

test('a silent target leaves half of the time for another one', () => {
  assert.equal(attemptByMs(1000, 3000, 1), 2000);
  assert.equal(attemptByMs(1000, 3000, 0), 3000);
});

test('proxies are used where they are meant', () => {
  const variables = { httpsProxy: 'http://p:1', httpProxy: undefined, noProxy: 'internal.example, .corp:8443, ::2' };
  const proxy = (url: string) => proxyFor(new URL(url), variables);
  assert.equal(proxy('https://x.openai.azure.com'), 'http://p:1');
  assert.equal(proxy('http://x.openai.azure.com'), undefined, 'no proxy for this scheme');
  assert.equal(proxy('https://internal.example'), undefined);
  assert.equal(proxy('https://a.internal.example'), undefined);
  assert.equal(proxy('https://notinternal.example'), 'http://p:1');
  assert.equal(proxy('https://a.corp:8443'), undefined);
  assert.equal(proxy('https://a.corp'), 'http://p:1', 'another port');
  assert.equal(proxy('https://[::2]'), undefined);
  assert.equal(proxy('https://127.0.0.1:9'), undefined, 'the machine itself');
  assert.equal(proxyFor(new URL('https://x.example'), { ...variables, noProxy: '*' }), undefined);
});
