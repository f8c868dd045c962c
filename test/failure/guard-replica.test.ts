import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type LoadResult, startLoad } from '../support/load.ts';
import { type System, sharedSystem } from '../support/system.ts';
import { until } from '../support/until.ts';

// Killing any one guard replica of two under a light load: no failed request.

const guards = ['guard-auth', 'guard-pii', 'guard-cache', 'guard-router'];
let system: System;
let gatewayUrl: string;
let key: string;

const readyReplicas = async (name: string, count: number) => {
  await until(`${count} ready replicas of ${name}`, async () => {
    const { services } = await system.status();
    return services.filter((service) => service.name === name && service.ready).length === count || undefined;
  });
};

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
    // Nor was one served without its cache, which its `onError` lets pass: each question is new, and each was looked up.
    assert.deepEqual(new Set(answers.map(({ cache }) => cache)), new Set(['MISS']));
  });
}

test('status says that each of them was restarted', async () => {
  const killed = (await system.status()).services.filter(({ name }) => guards.includes(name));
  assert.equal(killed.length, 2 * guards.length);
  for (const { replica, restarts } of killed) assert.ok(restarts >= 1, replica);
});
