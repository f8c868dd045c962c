import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TollgateError } from '@tollgate/errors';
import type { Fault } from './fault.ts';
import { giveUp } from './give-up.ts';
import { readProviderError } from './provider-error.ts';
import { judge } from './verdict.ts';

const status = (code: number, retryAfterMs = 0): Fault => ({
  kind: 'status',
  status: code,
  error: readProviderError({}),
  retryAfterMs,
  refusal: undefined,
});
const slow: Fault = { kind: 'timeout', stage: 'content' };
const after = (...faults: Fault[]) =>
  giveUp(
    faults.map((fault) => ({ fault, blame: judge(fault, false).blame })),
    12_345,
  );

test('limited everywhere: 429 with the soonest time', () => {
  const error = after(status(429, 9000), status(429, 2000), status(429));
  assert.equal(error.code, 'upstream_rate_limited');
  assert.equal(error.retryAfterMs, 2000);
});

test('limited without a word of when: the error table decides', () => {
  assert.equal(after(status(429)).retryAfterMs, undefined);
});

test('the only ones that could serve are limited', () => {
  assert.equal(after(status(401), status(429, 500)).code, 'upstream_rate_limited');
});

test('refused credentials alone are misconfigured', () => {
  assert.equal(after(status(401), status(404)).code, 'upstream_misconfigured');
});

test('a broken provider outweighs the rest', () => {
  assert.equal(after(status(429, 10), slow, status(500)).code, 'upstream_error');
  assert.equal(after().code, 'upstream_error');
});

test('what no target can be asked for is told as the first one told it, any other failure outweighs it', () => {
  const unserved = (param: string): Fault => ({
    kind: 'unserved',
    error: new TollgateError('invalid_request', { param }),
  });
  assert.equal(after(unserved('seed'), unserved('n')).param, 'seed');
  assert.equal(after(unserved('seed'), status(429)).code, 'upstream_rate_limited');
});

test('a time-out names the time and the stage that spent it', () => {
  const error = after(status(429), slow);
  assert.equal(error.code, 'upstream_timeout');
  assert.match(error.message, /12\.3 s .*first content.*stage upstream/);
});
