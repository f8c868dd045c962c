import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import type { LoadResult } from '../support/load.ts';
import { type Ask, interrupt } from '../support/outage.ts';
import { type System, sharedSystem } from '../support/system.ts';
import { until } from '../support/until.ts';

// An engine that hangs: its process is there, its connections stay open, nothing is answered. Whatever waits for it must not wait for ever.

let system: System;
let gatewayUrl: string;
let key: string;

before(async () => {
  system = sharedSystem();
  ({ gatewayUrl } = await system.status());
  key = (await system.createKey('engineering', 'hung-engines')).key;
});

async function hung(engine: string, meanwhile: (once: Ask) => Promise<void>): Promise<LoadResult[]> {
  const signal = async (name: NodeJS.Signals) => {
    const { engines } = await system.status();
    const { pid } = engines.find(({ name }) => name === engine) ?? {};
    assert.ok(pid, engine);
    process.kill(pid, name);
  };
  const outage = { name: engine, begin: () => signal('SIGSTOP'), end: () => signal('SIGCONT'), meanwhile };
  const restarts = async () =>
    (await system.status()).services.map(({ replica, restarts }) => `${replica} ${restarts}`);
  const before = await restarts();
  const answers = await interrupt(system, { gatewayUrl, key }, outage);
  assert.deepEqual(await restarts(), before, 'nobody has to be started again');
  return answers;
}

/** Until every one of these services says so of itself; all live on meanwhile. */
async function untilToldBy(services: readonly string[], text: RegExp, status: number): Promise<void> {
  const all = (await system.status()).services;
  for (const { replica, health } of all.filter(({ name }) => services.includes(name))) {
    await until(
      `${replica} tells it`,
      async () => {
        const answer = await fetch(`${health}/readyz`);
        return (text.test(await answer.text()) && answer.status === status) || undefined;
      },
      60_000,
    );
  }
  for (const { replica, health } of all) assert.equal((await fetch(`${health}/livez`)).status, 200, replica);
}

const failed = (answers: readonly LoadResult[]) =>
  new Set(answers.filter(({ whole }) => !whole).map(({ status, code }) => `${status} ${code}`));

test('NATS: each caller is refused, and every service says why within its pings', async () => {
  const { services } = await system.status();
  const answers = await hung('nats', async (once) => {
    assert.equal((await once('While NATS hangs')).status, 503);
    await untilToldBy([...new Set(services.map(({ name }) => name))], /NATS is away/, 503);
    assert.equal((await once('While NATS is known to hang')).code, 'bus_unavailable');
  });
  for (const what of failed(answers))
    assert.match(
      what,
      /^(503 (bus_unavailable|overloaded|guard_unavailable|store_unavailable)|502 gateway_interrupted|200 gateway_interrupted)$/,
    );
});

test('Redis of the budgets: each caller is refused within the deadline, and routers take turns alone', async () => {
  const answers = await hung('redis', async (once) => {
    assert.equal((await once('While Redis hangs')).code, 'store_unavailable');
    await untilToldBy(['guard-auth'], /the budget Redis is away or slow/, 503);
    await untilToldBy(['guard-router'], /each replica takes turns alone/, 200);
  });
  assert.deepEqual([...failed(answers)], ['503 store_unavailable']);
});

test('Redis of the cache: callers are served without it', async () => {
  const answers = await hung('cacheRedis', async (once) => {
    assert.equal((await once('While the cache hangs')).status, 200);
    await untilToldBy(['guard-cache'], /the cache Redis does not answer/, 503);
    const response = await fetch(`${gatewayUrl}/v1/responses`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-api-key': key },
      body: JSON.stringify({ input: 'Is the cache there?' }),
    });
    assert.equal(response.status, 200);
    assert.match(response.headers.get('x-cache-status') ?? '', /^BYPASS/);
  });
  assert.deepEqual([...failed(answers)], []);
});

test('ClickHouse: callers notice nothing, analytics says so by its probe, and no row is lost or there twice', async () => {
  const answers = await hung('clickhouse', async (once) => {
    assert.equal((await once('While the ledger hangs')).status, 200);
    await untilToldBy(['analytics'], /"ledger":"(?!ok)/, 503);
  });
  assert.deepEqual([...failed(answers)], []);
});
