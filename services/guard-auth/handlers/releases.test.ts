import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RequestStatus, UsageEvent } from '@tollgate/contracts';
import { StoreFault } from '@tollgate/redis';
import { createMetrics } from '@tollgate/telemetry';
import { receipt, startedAtMs, usageEvent } from '../testing/harness.ts';
import { Releases, type ReleasesOptions } from './releases.ts';

function releases(release: ReleasesOptions['store']['release']): { by: Releases; published: UsageEvent[] } {
  const published: UsageEvent[] = [];
  const publish = (event: UsageEvent) => void published.push(event);
  const by = new Releases({ store: { release }, publish, metrics: createMetrics('test'), now: () => startedAtMs + 42 });
  return { by, published };
}

const record = UsageEvent.encode(usageEvent(receipt('r1'))).finish();

test('an admission that was made ends as failed, at zero, above all that is assumed', async () => {
  const { by, published } = releases(async () => record);
  await by.add('acme', 'r1', false);
  const [row] = published;
  assert.deepEqual(
    [row?.receipt?.requestId, row?.status, row?.version, row?.billed?.prompt, row?.costNanoUsd, row?.latencyMs],
    ['r1', RequestStatus.FAILED, 3, 0, 0, 42],
  );
});

test('one that was never made leaves no row', async () => {
  const { by, published } = releases(async () => undefined);
  await by.add('acme', 'r1', false);
  assert.deepEqual([published, by.waiting], [[], 0]);
});

test('waits for a store that is away, then is done once', async () => {
  let away = true;
  const { by, published } = releases(() =>
    away ? Promise.reject(new StoreFault('away', 'test')) : Promise.resolve(record),
  );
  await by.add('acme', 'r1', false);
  await by.add('acme', 'r1', false);
  assert.equal(by.waiting, 1);
  away = false;
  await by.work();
  await by.work();
  assert.deepEqual([published.length, by.waiting], [1, 0]);
});

test('is bounded: beyond it the oldest are left to the reaper', async () => {
  const { by } = releases(() => Promise.reject(new StoreFault('away', 'test')));
  for (let at = 0; at < 10_050; at++) await by.add('acme', `r${at}`, false);
  assert.equal(by.waiting, 10_000);
});
