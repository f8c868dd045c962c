import assert from 'node:assert/strict';
import { test } from 'node:test';
import { usageEvent } from '../testing/events.ts';
import { rowsOf } from './rows.ts';

const message = (seq: number, ...events: ReturnType<typeof usageEvent>[]) => ({
  ...{ seq, redelivered: false },
  batch: { batchId: `b-${seq}`, replica: 'r', events },
});

test('each row says how many requests came with its message; what belongs to no row is none', () => {
  const nobody = usageEvent('', {});
  const { rows, malformed } = rowsOf([
    message(1, usageEvent('a')),
    message(2, usageEvent('b', { version: 1 }), usageEvent('c'), nobody, usageEvent('b')),
    message(3, nobody),
  ]);
  assert.deepEqual(
    rows.map(({ request_id, version, stream_seq, message_rows }) => [request_id, version, stream_seq, message_rows]),
    [
      ['a', 3, 1, 1],
      ['b', 1, 2, 2],
      ['c', 3, 2, 2],
      ['b', 3, 2, 2],
    ],
  );
  assert.deepEqual(
    malformed.map(({ seq, batchId }) => [seq, batchId]),
    [
      [2, 'b-2'],
      [3, 'b-3'],
    ],
  );
});
