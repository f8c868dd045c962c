import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mintRequestId } from './request-id.ts';

test('a request id has 26 characters after its prefix and sorts by time', () => {
  const earlier = mintRequestId(1_700_000_000_000);
  const later = mintRequestId(1_700_000_000_001);
  assert.match(earlier, /^req_[0-9a-hjkmnp-tv-z]{26}$/);
  assert.ok(earlier < later);
});

test('ids of one millisecond differ', () => {
  const ids = new Set(Array.from({ length: 20_000 }, () => mintRequestId(1)));
  assert.equal(ids.size, 20_000);
});
