import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { errorOf, raw, statusOf } from '../support/raw-http.ts';
import { type System, sharedSystem } from '../support/system.ts';

// Each the right error in the one shape; nothing crashes, nothing hangs.

let system: System;
let gatewayUrl: string;
let key: string;
let restartsBefore: number;

const restarts = async () => (await system.status()).services.reduce((sum, service) => sum + service.restarts, 0);

before(async () => {
  system = sharedSystem();
  ({ gatewayUrl } = await system.status());
  key = (await system.createKey('engineering', 'bad-input')).key;
  restartsBefore = await restarts();
});

after(async () => assert.equal(await restarts(), restartsBefore, 'a service crashed'));

const chat = '/openai/deployments/gpt-4o/chat/completions';

function head(length: number, path = '/v1/responses', more = ''): string {
  return `POST ${path} HTTP/1.1\r\nhost: x\r\nx-api-key: ${key}\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n${more}\r\n`;
}

async function expectError(answer: string, status: number, code: string): Promise<void> {
  assert.equal(statusOf(answer), status, answer.slice(0, 500));
  assert.match(answer, /content-type: application\/json/i);
  const error = errorOf(answer);
  assert.equal(error.code, code);
  assert.ok(error.message.length > 0 && error.type.length > 0 && error.request_id.length > 0);
}

const bodies: [string, string | Buffer, string, number, string][] = [
  ['not JSON', 'hello', '/v1/responses', 400, 'invalid_json'],
  ['cut JSON', '{"input":"x"', '/v1/responses', 400, 'invalid_json'],
  ['an empty body', '', '/v1/responses', 400, 'invalid_json'],
  ['an array', '[]', '/v1/responses', 400, 'invalid_request'],
  ['messages of the wrong type', '{"messages":7}', chat, 400, 'invalid_request'],
  [
    'broken UTF-8',
    Buffer.concat([Buffer.from('{"input":"'), Buffer.from([0xc3, 0x28]), Buffer.from('"}')]),
    '/v1/responses',
    400,
    'invalid_json',
  ],
  ['an unknown model', '{"model":"gpt-99","input":"x"}', '/v1/responses', 404, 'model_not_found'],
  [
    'an unknown deployment',
    '{"messages":[{"role":"user","content":"x"}]}',
    '/openai/deployments/gpt-99/chat/completions',
    404,
    'model_not_found',
  ],
  ['a wrong path', '{}', '/v1/no/such/thing', 404, 'not_found'],
  ['an unknown context', '{"input":"x"}', '/no-such-proxy/v1/responses', 404, 'not_found'],
];
for (const [name, body, path, status, code] of bodies) {
  test(`${name}: ${status} ${code}`, async () => {
    await expectError(await raw(gatewayUrl, [head(Buffer.byteLength(body), path), body]), status, code);
  });
}

test('another method: 405 with Allow', async () => {
  const answer = await raw(gatewayUrl, [`GET /v1/responses HTTP/1.1\r\nhost: x\r\nx-api-key: ${key}\r\n\r\n`]);
  await expectError(answer, 405, 'method_not_allowed');
  assert.match(answer, /allow: POST/i);
});

test("what goes wrong on messages is told in Anthropic's shape, wherever it goes wrong", async () => {
  const path = '/v1/messages';
  const ask = '{"model":"gpt-4o","max_tokens":5,"messages":[{"role":"user","content":"x"}]}';
  const cases: [string, string, number, string, string][] = [
    ['{', path, 400, 'invalid_request_error', 'invalid_json'],
    ['{"messages":7}', path, 400, 'invalid_request_error', 'invalid_request'],
    [ask, path, 404, 'not_found_error', 'model_not_found'],
    [ask, `${path}/count_tokens`, 404, 'not_found_error', 'model_not_found'],
    [ask, `${path}/batches`, 404, 'not_found_error', 'not_found'],
    [ask, `/no-such-proxy${path}`, 404, 'not_found_error', 'not_found'],
  ];
  for (const [body, at, status, type, code] of cases) {
    const answer = await raw(gatewayUrl, [head(Buffer.byteLength(body), at), body]);
    assert.equal(statusOf(answer), status, answer);
    const told = JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4));
    assert.deepEqual([told.type, told.error.type, told.error.code], ['error', type, code]);
    assert.match(answer, new RegExp(`^request-id: ${told.request_id}\r$`, 'im'));
  }
  const unknown = await raw(gatewayUrl, [head(ask.length, path).replace(key, 'tg_nobody'), ask]);
  assert.equal(errorOf(unknown).type, 'authentication_error');
  const large = await raw(gatewayUrl, [head(20 * 1024 * 1024, path), Buffer.alloc(1024 * 1024, 'x')]);
  assert.equal(errorOf(large).type, 'request_too_large');
});

test('20 MiB: 413 with the limit', async () => {
  const answer = await raw(gatewayUrl, [head(20 * 1024 * 1024), Buffer.alloc(1024 * 1024, 'x')]);
  await expectError(answer, 413, 'body_too_large');
  assert.match(errorOf(answer).message, /16777216/);
});

test('20 MiB without a length: 413 too', async () => {
  const start = `POST /v1/responses HTTP/1.1\r\nhost: x\r\nx-api-key: ${key}\r\ntransfer-encoding: chunked\r\n\r\n`;
  const chunk = Buffer.concat([Buffer.from('100000\r\n'), Buffer.alloc(0x100000, 'x'), Buffer.from('\r\n')]);
  const answer = await raw(gatewayUrl, [start, ...Array.from({ length: 20 }, () => chunk), '0\r\n\r\n']);
  await expectError(answer, 413, 'body_too_large');
});

test('20,000 bytes of headers: 431', async () => {
  const answer = await raw(gatewayUrl, [head(2, '/v1/responses', `x-long: ${'a'.repeat(20_000)}\r\n`), '{}']);
  await expectError(answer, 431, 'headers_too_large');
});

test('a body that never arrives whole: 408', async () => {
  const answer = await raw(gatewayUrl, [head(1000), '{"input":']);
  await expectError(answer, 408, 'request_timeout');
});

test('a Content-Length below the body: 400, and the rest is no request', async () => {
  const body = '{"input":"hello"}';
  const answer = await raw(gatewayUrl, [head(body.length - 3), body]);
  assert.equal(statusOf(answer), 400, answer);
  assert.match(answer, /"code":"invalid_(json|request)"/);
});

test('a Content-Length above the body, and the caller is done: 400', async () => {
  const answer = await raw(gatewayUrl, [head(100), '{"input":"x"}'], { halfClose: true });
  await expectError(answer, 400, 'invalid_request');
});

test('not HTTP at all: 400', async () => {
  await expectError(await raw(gatewayUrl, ['\x16\x03\x01 this is no HTTP\r\n\r\n']), 400, 'invalid_request');
});

test('after all that a good request is served', async () => {
  const body = '{"input":"Still there?"}';
  assert.equal(statusOf(await raw(gatewayUrl, [head(body.length), body])), 200);
});
