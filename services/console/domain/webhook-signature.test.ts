import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { signedHeaders, signingKey } from './webhook-signature.ts';

test('the vector of the reference implementations', () => {
  const key = signingKey('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw');
  const body = '{"test": 2432232314}';
  assert.deepEqual(signedHeaders({ id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', body, atMs: 1_614_265_330_999 }, key), {
    'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    'webhook-timestamp': '1614265330',
    'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  });
});

test('another implementation verifies it, over every byte of the body', async () => {
  const secret = randomBytes(32);
  const body = '{"text":"Grüße, 80 %"}';
  const { 'webhook-signature': signature = '' } = signedHeaders(
    { id: 'lim_1', body, atMs: 1_700_000_000_000 },
    signingKey(`whsec_${secret.toString('base64')}`),
  );
  assert.ok(signature.startsWith('v1,'));
  const key = await crypto.subtle.importKey('raw', secret, { name: 'HMAC', hash: 'SHA-256' }, false, ['verify']);
  const given = Buffer.from(signature.slice(3), 'base64');
  const verify = (text: string) => crypto.subtle.verify('HMAC', key, given, new TextEncoder().encode(text));
  assert.equal(await verify(`lim_1.1700000000.${body}`), true);
  assert.equal(await verify(`lim_1.1700000001.${body}`), false);
});

test('the lines of docs/notifications.md verify it, and nothing else', async () => {
  const page = readFileSync(new URL('../../../docs/notifications.md', import.meta.url), 'utf8');
  const lines = /```js\n([\s\S]*?)```/.exec(page)?.[1] ?? '';
  const { verify } = await import(`data:text/javascript,${encodeURIComponent(lines)}`);
  const secret = `whsec_${randomBytes(32).toString('base64')}`;
  const body = '{"a":1}';
  const headers = signedHeaders({ id: 'lim_1', body, atMs: Date.now() }, signingKey(secret));
  assert.equal(verify(headers, Buffer.from(body), secret), true);
  assert.equal(verify(headers, Buffer.from(`${body} `), secret), false);
  assert.equal(verify({ ...headers, 'webhook-id': 'lim_2' }, Buffer.from(body), secret), false);
  const old = signedHeaders({ id: 'lim_1', body, atMs: Date.now() - 600_000 }, signingKey(secret));
  assert.equal(verify(old, Buffer.from(body), secret), false);
  assert.equal(verify({}, Buffer.from(body), secret), false);
});

test('without a secret nothing is signed', () => {
  assert.deepEqual(signedHeaders({ id: 'lim_1', body: '{}', atMs: 1000 }, undefined), {
    'webhook-id': 'lim_1',
    'webhook-timestamp': '1',
  });
});

test('what is no secret of that form is refused without being repeated', () => {
  const short = randomBytes(23).toString('base64');
  const long = randomBytes(65).toString('base64');
  for (const secret of [
    '',
    'whsec_',
    'plain-words-of-nobody',
    `whsec_${short}`,
    `whsec_${long}`,
    `whsec_${short}$$$$$`,
  ]) {
    assert.throws(
      () => signingKey(secret),
      (error: Error) => /must be whsec_/.test(error.message) && (secret.length < 8 || !error.message.includes(secret)),
    );
  }
});
