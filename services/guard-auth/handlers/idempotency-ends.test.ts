import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encode, IdempotencyEnd } from '@tollgate/contracts';
import { StoreFault } from '@tollgate/redis';
import { createMetrics } from '@tollgate/telemetry';
import { logger } from '../testing/harness.ts';
import { IdempotencyEnds } from './idempotency-ends.ts';

const noBytes = new Uint8Array(0);

async function told(end: Partial<IdempotencyEnd>, store: () => Promise<number | undefined>) {
  const metrics = createMetrics('test');
  const ends = new IdempotencyEnds({ store: { end: store }, logger, metrics });
  const reply = await ends.answer(encode(IdempotencyEnd, { ...IdempotencyEnd.decode(noBytes), ...end }));
  const lines = (await metrics.text()).split('\n').filter((line) => /^tollgate_idempotency.* [1-9]/.test(line));
  return { known: reply.length > 0, outcome: /outcome="(\w+)"/.exec(lines.join())?.[1], lines };
}

test('whoever told an end hears that it is known, and not when the store could not keep it', async () => {
  const kept = await told({ answer: Uint8Array.of(1) }, async () => 2);
  assert.deepEqual([kept.known, kept.outcome, kept.lines.length], [true, 'kept', 2]);
  assert.match(kept.lines.join('\n'), /tollgate_idempotency_evicted_total\S* 2/);
  const away = await told({}, () => Promise.reject(new StoreFault('away', 'gone')));
  assert.deepEqual([away.known, away.outcome], [false, 'failed']);
});

test('each end is counted by what became of the key', async () => {
  assert.equal((await told({}, async () => 0)).outcome, 'freed');
  assert.equal((await told({ unkept: true }, async () => 0)).outcome, 'unkept');
  const late = await told({ answer: Uint8Array.of(1) }, async () => undefined);
  assert.deepEqual([late.outcome, late.known], ['taken_over', true]);
});
