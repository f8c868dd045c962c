import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serverTiming } from './server-timing.ts';

test('stages in their order, in milliseconds', () => {
  assert.equal(
    serverTiming({ auth: 412, pii: 0, upstream: 1_500_003 }),
    'auth;dur=0.412, pii;dur=0, upstream;dur=1500.003',
  );
  assert.equal(serverTiming({}), '');
});
