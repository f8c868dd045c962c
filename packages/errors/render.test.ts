import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ErrorDetail } from '@tollgate/contracts';
import { type ErrorCode, errorTable, renderError, TollgateError, toErrorDetail } from './index.ts';

function render(code: ErrorCode, options: ConstructorParameters<typeof TollgateError>[1] = {}) {
  return renderError(toErrorDetail(new TollgateError(code, options)), 'req-1');
}

function detail(code: string): ErrorDetail {
  return { code, message: 'from a newer replica', param: '', internal: '', retryAfterMs: 0, headers: {} };
}

test("the body is OpenAI's", () => {
  const rendered = render('model_not_found', { message: "The model 'x' does not exist.", param: 'model' });
  assert.equal(rendered.status, 404);
  assert.equal(rendered.headers['content-type'], 'application/json');
  assert.equal(rendered.headers['x-request-id'], 'req-1');
  assert.deepEqual(JSON.parse(rendered.body), {
    error: {
      message: "The model 'x' does not exist.",
      type: 'invalid_request_error',
      code: 'model_not_found',
      param: 'model',
      request_id: 'req-1',
    },
  });
});

test("Anthropic's surface has Anthropic's body, type and header; the status stays", () => {
  const types: Record<string, string> = {};
  for (const code of Object.keys(errorTable) as ErrorCode[]) {
    const { status, headers, body } = renderError(toErrorDetail(new TollgateError(code)), 'req-1', 'anthropic');
    const { type, error, request_id, ...rest } = JSON.parse(body);
    assert.deepEqual([status, type, request_id, rest], [errorTable[code].status, 'error', 'req-1', {}], code);
    assert.deepEqual([error.code, error.message], [code, errorTable[code].message]);
    assert.equal(headers['request-id'], 'req-1');
    types[code] = error.type;
  }
  const { invalid_json, invalid_api_key, access_denied, model_not_found, body_too_large, budget_exceeded } = types;
  assert.deepEqual(
    [invalid_json, invalid_api_key, access_denied, model_not_found, body_too_large, budget_exceeded],
    [
      ...['invalid_request_error', 'authentication_error', 'permission_error', 'not_found_error'],
      ...['request_too_large', 'rate_limit_error'],
    ],
  );
  const { method_not_allowed, internal_error, upstream_error, overloaded, upstream_timeout } = types;
  assert.deepEqual(
    [method_not_allowed, internal_error, upstream_error, overloaded, upstream_timeout],
    ['invalid_request_error', 'api_error', 'api_error', 'overloaded_error', 'timeout_error'],
  );
  assert.equal(render('overloaded').headers['request-id'], undefined);
});

test('every row renders with its status, type and a text', () => {
  for (const [code, row] of Object.entries(errorTable)) {
    const rendered = render(code as ErrorCode);
    const { error } = JSON.parse(rendered.body) as { error: Record<string, unknown> };
    assert.equal(rendered.status, row.status, code);
    assert.equal(error.type, row.type, code);
    assert.equal(error.code, code);
    assert.equal(error.param, null, code);
    assert.ok(typeof error.message === 'string' && error.message.length > 10, code);
  }
});

test('every 429 and 503 says when to come back, nothing else does unasked', () => {
  for (const [code, row] of Object.entries(errorTable)) {
    const { headers } = render(code as ErrorCode);
    const waits = row.status === 429 || row.status === 503;
    assert.equal(headers['retry-after'], waits ? '1' : undefined, code);
    assert.equal(headers['retry-after-ms'], waits ? '1000' : undefined, code);
  }
});

test('Retry-After is rounded up to whole seconds, retry-after-ms is exact', () => {
  const { headers } = render('rate_limit_exceeded', { retryAfterMs: 1000.2 });
  assert.equal(headers['retry-after'], '2');
  assert.equal(headers['retry-after-ms'], '1001');
});

test('clients are told not to wait more than a minute, and never for a budget', () => {
  assert.equal(render('rate_limit_exceeded', { retryAfterMs: 60_000 }).headers['x-should-retry'], undefined);
  assert.equal(render('rate_limit_exceeded', { retryAfterMs: 60_001 }).headers['x-should-retry'], 'false');
  assert.equal(render('budget_exceeded', { retryAfterMs: 10 }).headers['x-should-retry'], 'false');
});

test('a wait is told as long as it is, over the wire too', () => {
  const year = 366 * 86_400_000;
  const sent = toErrorDetail(new TollgateError('budget_exceeded', { retryAfterMs: year - 1 }));
  const { headers } = renderError(ErrorDetail.decode(ErrorDetail.encode(sent).finish()), 'req-1');
  assert.deepEqual([headers['retry-after'], headers['retry-after-ms']], [String(year / 1000), String(year - 1)]);
  assert.equal(headers['x-should-retry'], 'false');
  const endless = toErrorDetail(new TollgateError('upstream_rate_limited', { retryAfterMs: Number.POSITIVE_INFINITY }));
  assert.deepEqual(ErrorDetail.decode(ErrorDetail.encode(endless).finish()), endless);
});

test('a code without a row is answered as internal_error, without its text', () => {
  for (const code of ['from_the_future', 'constructor', '__proto__', '']) {
    const { status, body } = renderError(detail(code), 'req-1');
    assert.equal(status, 500, code);
    assert.equal(JSON.parse(body).error.code, 'internal_error', code);
    assert.doesNotMatch(body, /newer replica/, code);
  }
});

test('headers of the thrower are kept, but not over our own', () => {
  const { headers } = render('method_not_allowed', { headers: { Allow: 'POST', 'content-type': 'text/html' } });
  assert.equal(headers.allow, 'POST');
  assert.equal(headers['content-type'], 'application/json');
});

test('what was not thrown on purpose reaches logs only', () => {
  for (const thrown of [new Error('password=x at 10.0.0.1'), 'password=x', { password: 'x' }, undefined]) {
    const told = toErrorDetail(thrown);
    assert.equal(told.code, 'internal_error');
    assert.doesNotMatch(renderError(told, 'req-1').body, /password/);
  }
  assert.match(toErrorDetail(new Error('boom')).internal, /boom/);
});

test('internal text stays internal, and bounded; it is the cause when none is given', () => {
  const told = toErrorDetail(new TollgateError('store_unavailable', { internal: `redis-3 ${'x'.repeat(10_000)}` }));
  assert.doesNotMatch(renderError(told, 'req-1').body, /redis-3/);
  assert.equal(told.internal.length, 2000);
  const caused = toErrorDetail(new TollgateError('store_unavailable', { cause: new Error('ECONNRESET') }));
  assert.match(caused.internal, /ECONNRESET/);
});
