import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type LoadResult, startLoad } from '../support/load.ts';
import { metricsOf } from '../support/metrics.ts';
import { type System, sharedSystem } from '../support/system.ts';
import { until } from '../support/until.ts';

// Killing any one guard replica of two under a light load: no failed request.

const guards = ['guard-auth', 'guard-pii', 'guard-cache', 'guard-router'];
let system: System;
let gatewayUrl: string;
let key: string;

const kindOf = (guard: string) => `kind="${guard.replace('guard-', '')}"`;

/** Ready by its own word, and by that of pipeline: only of two that can be asked does a killed one leave another. */
const readyReplicas = async (name: string, count: number) => {
  await until(`${count} ready replicas of ${name}`, async () => {
    const status = await system.status();
    const ready = status.services.filter((service) => service.name === name && service.ready).length;
    const [usable] = await metricsOf(status, 'pipeline', 'tollgate_guard_replicas', kindOf(name));
    return (ready === count && usable === count) || undefined;
  });
};

const callsWithoutReplica = async (guard: string) =>
  (await metricsOf(await system.status(), 'pipeline', 'tollgate_guard_unavailable_total', kindOf(guard))).join();

/** What `npx tollgate scale` asks of the launcher. */
const scale = (service: string, replicas: number) => system.control('POST', '/scale', { service, replicas });

before(async () => {
  system = sharedSystem();
  ({ gatewayUrl } = await system.status());
  key = (await system.createKey('engineering', 'guard-replica')).key;
  const [first = '', ...others] = guards;
  await system.cli('scale', first, '2');
  await Promise.all(others.map((guard) => scale(guard, 2)));
  for (const guard of guards) await readyReplicas(guard, 2);
});

after(() => Promise.all(guards.map((guard) => scale(guard, 1))));

for (const guard of guards) {
  test(`${guard}: one of two killed with SIGKILL, then the other`, async () => {
    const load = startLoad({ gatewayUrl, key, rate: 40, cached: true });
    const before = await callsWithoutReplica(guard);
    let answers: LoadResult[];
    try {
      for (const replica of [`${guard}-1`, `${guard}-2`]) {
        await readyReplicas(guard, 2);
        const sentBefore = load.sent();
        await until('some load', async () => load.sent() > sentBefore + 20 || undefined);
        const find = async () => (await system.status()).services.find((service) => service.replica === replica);
        const victim = await find();
        assert.ok(victim?.ready);
        await system.control('POST', `/services/${replica}/kill`);
        await until(`${replica} is another process`, async () => {
          const now = await find();
          return (now && now.pid !== victim.pid && now.ready) || undefined;
        });
      }
    } finally {
      answers = await load.stop();
    }
    assert.ok(answers.length > 60);
    assert.deepEqual(
      answers.filter(({ whole }) => !whole),
      [],
    );
    // A call that found no replica is let pass by the `onError` of the cache, so whole answers alone would not show it.
    assert.equal(await callsWithoutReplica(guard), before);
    // The cache was asked all the time. How often a busy machine had no answer within its deadline is not judged here.
    const lookedUp = answers.filter(({ cache }) => cache === 'MISS').length;
    assert.ok(lookedUp >= answers.length / 2, `${lookedUp} of ${answers.length}`);
  });
}

test('status says that each of them was restarted', async () => {
  const killed = (await system.status()).services.filter(({ name }) => guards.includes(name));
  assert.equal(killed.length, 2 * guards.length);
  for (const { replica, restarts } of killed) assert.ok(restarts >= 1, replica);
});
