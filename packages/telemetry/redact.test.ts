import assert from 'node:assert/strict';
import { test } from 'node:test';
import { REDACTED, redact } from './redact.ts';

const secret = 'Zk9-very/secret+value=';

const leaks: Record<string, string> = {
  'a member': JSON.stringify({ apiKey: secret }),
  'a member, deep': JSON.stringify({ a: [{ b: { 'x-api-key': secret } }] }),
  'a header': JSON.stringify({ headers: { authorization: `Bearer ${secret}`, cookie: secret, 'set-cookie': secret } }),
  'an environment variable': JSON.stringify({ TOLLGATE_ADMIN_TOKEN: secret, AZURE_OPENAI_API_KEY: secret }),
  'a value with quotes': JSON.stringify({ password: `a"${secret}` }),
  'JSON in a text': JSON.stringify({ msg: JSON.stringify({ password: secret, rest: 1 }) }),
  'JSON in a text, a value with quotes': JSON.stringify({ msg: JSON.stringify({ password: `a"\\${secret}` }) }),
  'a bearer in a text': JSON.stringify({ msg: `sent Authorization: Bearer ${secret}` }),
  'a list of raw headers': JSON.stringify({ raw: ['authorization', `bearer ${secret}`] }),
};

for (const [name, line] of Object.entries(leaks)) {
  test(`redacts ${name}`, () => {
    const clean = redact(line);
    assert.ok(!clean.includes('secret+value'), clean);
    assert.ok(clean.includes(REDACTED), clean);
    assert.doesNotThrow(() => JSON.parse(clean), clean);
  });
}

test('redacts the credentials of a URL and keeps its host', () => {
  const line = JSON.stringify({ msg: 'cannot reach redis://default:s3cr3t-pass@127.0.0.1:6379/0' });
  assert.equal(JSON.parse(redact(line)).msg, `cannot reach redis://${REDACTED}@127.0.0.1:6379/0`);
});

test('redacts keys wherever they stand', () => {
  const key = `tg_${'0123456789abcdef'.repeat(4)}`;
  assert.equal(redact(`"${key}"`), `"${REDACTED}"`);
  assert.equal(redact('"sk-proj-abcdefghijklmnop1234"'), `"${REDACTED}"`);
});

test('leaves everything else as it is', () => {
  const line = JSON.stringify({
    tokens: 'many',
    promptTokens: 12,
    key_id: 'key_1',
    apiKey: { env: 'AZURE_OPENAI_API_KEY' },
    url: 'https://example.openai.azure.com/openai',
    msg: 'a basic idea @ noon',
  });
  assert.equal(redact(line), line);
});

test('takes time by the length of a line only', () => {
  const hostile = ['"'.repeat(200_000), '\\'.repeat(200_000), `"${'a-'.repeat(100_000)}`, `://${'a'.repeat(200_000)}`];
  const startedAtMs = performance.now();
  for (const line of hostile) redact(line);
  assert.ok(performance.now() - startedAtMs < 2000);
});
