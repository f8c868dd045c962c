import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readProviderError, statusOfError } from './provider-error.ts';

const statusOf = (error: unknown) => statusOfError(readProviderError(error));

test('an error inside a stream counts as the status that it stands for', () => {
  assert.equal(statusOf({ type: 'too_many_requests', code: 'rate_limit_exceeded' }), 429);
  assert.equal(statusOf({ code: '429', message: 'slow down' }), 429);
  assert.equal(statusOf({ type: 'invalid_request_error', code: null }), 400);
  assert.equal(statusOf({ code: 'content_filter', status: 400 }), 400);
  assert.equal(statusOf({ code: 'server_error' }), 500);
  assert.equal(statusOf({ code: 'DeploymentNotFound' }), 404);
  assert.equal(statusOf({ code: 'ServiceUnavailable' }), 503);
});

test('what says nothing is a 500', () => {
  for (const error of [null, undefined, {}, 'boom', { code: 'something_new' }, { status: 200 }]) {
    assert.equal(statusOf(error), 500);
  }
});
