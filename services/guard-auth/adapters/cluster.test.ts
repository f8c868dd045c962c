import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { UsageEvent } from '@tollgate/contracts';
import { startRedisCluster, type TestRedisCluster } from '@tollgate/testing/engines';
import type { Charge } from '../domain/charge.ts';
import { settlementOf } from '../domain/settlement.ts';
import * as given from '../testing/harness.ts';
import type { BudgetStore } from './budget-store.ts';
import { ProbeStore } from './probe-store.ts';
import { RebuildStore } from './rebuild-store.ts';

const { organizationId, startedAtMs } = given;
let cluster: TestRedisCluster;
let store: BudgetStore;

before(async () => {
  cluster = await startRedisCluster();
  store = await given.connectStore(cluster.urls.join(','), { hashTag: () => organizationId });
  // A node that has not met the others yet does not serve; the test's own time limit ends the wait.
  while (!String(await store.redis.command('CLUSTER', 'INFO')).includes('cluster_state:ok')) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
});
after(async () => {
  store?.redis.close();
  await cluster?.close();
});

const noWindowOf = { windowStartMs: 0, windowEndMs: 0 };
const own = given.reservation({ selector: 'p-user', value: 'somebody' });
const charges: Charge[] = [
  { reservation: given.reservation(), limit: 1000 },
  { reservation: given.reservation({ scope: 'organization', scopeId: organizationId, window: '1d' }), limit: 1000 },
  { reservation: own, limit: 1000, valuesMax: 5 },
  {
    reservation: given.reservation({ window: 'rolling-1h', selector: 'p-user', value: 'somebody' }),
    ...{ limit: 1000, valuesMax: 5 },
    rolling: { startMs: startedAtMs - 1000, endMs: startedAtMs + 299_000, countsUntilMs: startedAtMs + 3_600_000 },
  },
];

/** A rate holds no counter. */
const rate: Charge = {
  reservation: given.reservation({ window: '1m', ...noWindowOf, rate: 1000, selector: 'rate', value: 'somebody' }),
  ...{ limit: 1000, valuesMax: 5, rate: { amount: 1000, burst: 1000, windowMs: 60_000 } },
};

test('every step of a budget touches one slot only', { timeout: 30_000 }, async () => {
  const keys = store.keys(organizationId);
  await store.redis.command('SET', keys.epoch, store.redis.runId);
  const receipt = given.receipt(
    'r1',
    [...charges, rate].map(({ reservation }) => reservation),
  );
  const record = UsageEvent.encode(given.usageEvent(receipt)).finish();
  const { outcome } = await store.reserve(organizationId, {
    requestId: 'r1',
    startedAtMs,
    charges: [...charges, rate],
    record,
  });
  assert.equal(outcome, 'admitted');
  assert.equal(await store.renew(organizationId, [{ receipt, record }]), true);
  assert.deepEqual(await store.expired(organizationId, 10, 1000), []);
  const settlement = settlementOf(given.measured(receipt, 30, 12), 5, startedAtMs);
  assert.ok(settlement);
  assert.equal(await store.settle(organizationId, [settlement]), true);
  for (const { reservation } of charges)
    assert.deepEqual(await given.counter(store, reservation), { spent: 42, reserved: 0 });
  await store.release(organizationId, 'r2', false);
  await store.trim(organizationId, 5, 5);
  const probe = await new ProbeStore(store.redis, 'replica-1').admit(
    organizationId,
    { checks: [], charges: [...charges, rate] },
    new Map(),
    startedAtMs,
  );
  assert.equal(probe.outcome, 'admitted');

  await store.redis.command('DEL', keys.epoch);
  const rebuild = await RebuildStore.begin(store, organizationId);
  assert.ok(rebuild);
  await rebuild.reset(startedAtMs);
  await rebuild.openForRenewals();
  await rebuild.settle([settlement]);
  await rebuild.finish(5);
  assert.equal(await store.built(organizationId), true);
  for (const { reservation } of charges) assert.equal((await given.counter(store, reservation)).spent, 42);
});

test('other organizations may live on other nodes', { timeout: 30_000 }, async (t) => {
  const owners = new Set<string>();
  for (let n = 0; n < 30 && owners.size < 3; n++) {
    const other = await given.connectStore(cluster.urls[0] as string, { hashTag: () => `organization-${n}` });
    t.after(() => other.redis.close());
    assert.equal(await other.built(`organization-${n}`), false);
    owners.add(other.redis.runId);
  }
  assert.equal(owners.size, 3);
});
