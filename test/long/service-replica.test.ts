import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { LoadResult } from '../support/load.ts';
import { answersDuring, expectRows } from '../support/outage.ts';
import { type System, sharedSystem } from '../support/system.ts';
import { until } from '../support/until.ts';

// One of two replicas of the other services is killed under load: what it was at is answered or honestly interrupted, what
// comes next is served by the other, and each request has its row.

/** With what a caller may have met whose request was in the killed one's hands. */
const services: Record<string, RegExp | undefined> = {
  pipeline: /^(502 gateway_interrupted|503 overloaded)$/,
  upstream: /^(502 gateway_interrupted|503 overloaded|200 gateway_interrupted)$/,
  analytics: undefined,
  console: undefined,
};

let system: System;
let gatewayUrl: string;
let key: string;
/** What callers got, all four times. */
const all: LoadResult[] = [];
let simulator: Awaited<ReturnType<System['simulator']>>;

const scale = (service: string, replicas: number) => system.control('POST', '/scale', { service, replicas });
const replicasOf = async (name: string) =>
  (await system.status()).services.filter((service) => service.name === name && service.ready);

before(async () => {
  system = sharedSystem();
  ({ gatewayUrl } = await system.status());
  simulator = await system.simulator();
  key = (await system.createKey('engineering', 'service-replica')).key;
  await Promise.all(Object.keys(services).map((service) => scale(service, 2)));
  for (const service of Object.keys(services))
    await until(`two of ${service}`, async () => (await replicasOf(service)).length === 2 || undefined);
});
after(() => simulator.clearFaults());
after(() => Promise.all(Object.keys(services).map((service) => scale(service, 1))));

for (const [service, honest] of Object.entries(services)) {
  test(`${service}: one of two is killed with SIGKILL`, async (t) => {
    const victim = `${service}-1`;
    const before = (await replicasOf(service)).find(({ replica }) => replica === victim);
    assert.ok(before);
    const answers = await answersDuring(
      { gatewayUrl, key },
      {
        name: victim,
        begin: async () => {
          // So that it has something at hand.
          await simulator.addFault({ delayMs: 500 });
          await new Promise((resolve) => setTimeout(resolve, 700));
          await system.control('POST', `/services/${victim}/kill`);
        },
        end: () =>
          until(`${victim} is back`, async () =>
            (await replicasOf(service)).find(({ replica, pid }) => replica === victim && pid !== before.pid),
          ),
        meanwhile: async (once) => {
          // The other one serves: who asks now does not wait for the killed one's restart.
          for (let asked = 0; asked < 5; asked++) await once(`One ${service} ${asked}`);
        },
      },
    );
    await simulator.clearFaults();
    all.push(...answers);
    const broken = answers.filter(({ whole }) => !whole);
    t.diagnostic(`${broken.length} of ${answers.length} were interrupted`);
    if (service === 'upstream') assert.ok(broken.length > 0, 'it had calls at hand');
    for (const { status, code } of broken) assert.match(`${status} ${code}`, honest ?? /^nothing$/);
  });
}

test('each request that was admitted has its row, once', () => expectRows(system, all));
