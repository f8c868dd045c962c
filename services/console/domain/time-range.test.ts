import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readRange } from './time-range.ts';

const nowMs = Date.UTC(2026, 10, 23, 12);

test('a range is so far back from now, or from one time to another', () => {
  assert.deepEqual(readRange({}, nowMs), { fromMs: nowMs - 3_600_000, toMs: nowMs });
  assert.deepEqual(readRange({ last: '7d' }, nowMs), { fromMs: nowMs - 7 * 86_400_000, toMs: nowMs });
  assert.deepEqual(readRange({ from: '2026-11-23T10:00:00Z' }, nowMs), { fromMs: nowMs - 7_200_000, toMs: nowMs });
  assert.deepEqual(readRange({ from: '1000', to: '2000' }, nowMs), { fromMs: 1000, toMs: 2000 });
});

test('what cannot be a range is refused, naming the parameter', () => {
  const refused = (asked: Parameters<typeof readRange>[0], param: string) =>
    assert.throws(() => readRange(asked, nowMs), { code: 'invalid_request', param });
  refused({ last: '1h', from: '1' }, 'last');
  refused({ to: '5' }, 'from');
  refused({ from: '5', to: '5' }, 'from');
  refused({ from: '2026-11-24T10:00:00Z' }, 'from');
  refused({ from: 'yesterday' }, 'from');
  refused({ from: '0', to: 'soon' }, 'to');
  refused({ last: '401d' }, 'from');
  refused({ last: '1y' }, 'last');
});
