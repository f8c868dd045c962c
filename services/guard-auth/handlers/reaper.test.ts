import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Delivery, RequestStatus, UsageEvent } from '@tollgate/contracts';
import { createMetrics } from '@tollgate/telemetry';
import { receipt, startedAtMs, usageEvent } from '../testing/harness.ts';
import { Reaper } from './reaper.ts';

const record = (id: string) => UsageEvent.encode(usageEvent(receipt(id))).finish();

function reaper(
  expired: Uint8Array[][],
  { full = (): boolean => false, cut = [] as string[] } = {},
): { by: Reaper; published: UsageEvent[] } {
  const published: UsageEvent[] = [];
  const by = new Reaper({
    store: { expired: async () => expired.shift() ?? [], cutOff: async () => new Set(cut) },
    publish: (event) => void published.push(event),
    full,
    metrics: createMetrics('test'),
    now: () => startedAtMs + 31_000,
  });
  return { by, published };
}

test('publishes an abandoned lease at its estimate', async () => {
  const { by, published } = reaper([[record('r1')]]);
  assert.equal(await by.reap('acme'), 1);
  const [row] = published;
  assert.deepEqual(
    [row?.receipt?.requestId, row?.status, row?.version, row?.billed?.prompt, row?.billed?.completion, row?.estimated],
    ['r1', RequestStatus.ABANDONED, 1, 60, 40, true],
  );
  assert.deepEqual([row?.costNanoUsd, row?.latencyMs, row?.finishedAtMs], [500, 31_000, startedAtMs + 31_000]);
});

test('a lease of which content had gone out is truncated, at the same estimate and of the same weight', async () => {
  const { by, published } = reaper([[record('r1'), record('r2')]], { cut: ['r2'] });
  await by.reap('acme');
  const [left, right] = published;
  assert.equal(left?.status, RequestStatus.ABANDONED);
  assert.deepEqual(
    [right?.status, right?.httpStatus, right?.delivered, right?.version, right?.billed?.completion, right?.estimated],
    [RequestStatus.TRUNCATED, 200, Delivery.PARTIAL, 1, 40, true],
  );
});

test('goes on while there are more than one step takes', async () => {
  const hundred = Array.from({ length: 100 }, (_, at) => record(`r${at}`));
  const { by, published } = reaper([hundred, hundred, [record('last')]]);
  assert.equal(await by.reap('acme'), 201);
  assert.equal(published.length, 201);
});

test('adds nothing to usage that is not acknowledged', async () => {
  const { by, published } = reaper([[record('r1')]], { full: () => true });
  assert.equal(await by.reap('acme'), 0);
  assert.deepEqual(published, []);
});
