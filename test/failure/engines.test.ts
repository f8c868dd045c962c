import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import type { LoadResult } from '../support/load.ts';
import { type Ask, interrupt } from '../support/outage.ts';
import { type System, sharedSystem } from '../support/system.ts';
import { until } from '../support/until.ts';

// NATS, Redis, ClickHouse stopped and started again: clear errors meanwhile, full service after, no row lost.

let system: System;
let gatewayUrl: string;
let key: string;

before(async () => {
  system = sharedSystem();
  ({ gatewayUrl } = await system.status());
  key = (await system.createKey('engineering', 'engines')).key;
});

/** Stops an engine under load, looks at what callers get meanwhile, and starts it again. */
function stopped(engine: string, meanwhile: (once: Ask) => Promise<void>): Promise<LoadResult[]> {
  const control = (verb: string) => system.control('POST', `/engines/${engine}/${verb}`);
  const outage = { name: engine, begin: () => control('stop'), end: () => control('start'), meanwhile };
  return interrupt(system, { gatewayUrl, key }, outage);
}

test('NATS', async () => {
  const answers = await stopped('nats', async (once) => {
    const answer = await until('a clear error', async () => {
      const refused = await once('While NATS is away');
      return refused.status === 503 ? refused : undefined;
    });
    assert.match(answer.code, /^(bus_unavailable|overloaded)$/);
  });
  for (const { status, code } of answers.filter(({ whole }) => !whole)) {
    assert.match(
      `${status} ${code}`,
      /^(503 (bus_unavailable|overloaded|guard_unavailable|store_unavailable)|502 gateway_interrupted)$/,
    );
  }
});

test('Redis of the budgets', async () => {
  const answers = await stopped('redis', async (once) => {
    const answer = await until('a clear error', async () => {
      const refused = await once('While Redis is away');
      return refused.status === 503 ? refused : undefined;
    });
    assert.equal(answer.code, 'store_unavailable');
  });
  for (const { status, code } of answers.filter(({ whole }) => !whole))
    assert.equal(`${status} ${code}`, '503 store_unavailable');
});

test('Redis of the cache: requests are served without it', async () => {
  const answers = await stopped('cacheRedis', async (once) => {
    for (let number = 0; number < 10; number++) assert.equal((await once(`No cache ${number}`)).status, 200);
    const response = await fetch(`${gatewayUrl}/v1/responses`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-api-key': key },
      body: JSON.stringify({ input: 'Is the cache there?' }),
    });
    assert.equal(response.status, 200);
    assert.match(response.headers.get('x-cache-status') ?? '', /^BYPASS/);
  });
  assert.deepEqual(
    answers.filter(({ whole }) => !whole),
    [],
  );
});

test('ClickHouse: callers notice nothing, and its rows come later', async () => {
  const answers = await stopped('clickhouse', async (once) => {
    for (let number = 0; number < 20; number++) assert.equal((await once(`No ledger ${number}`)).status, 200);
  });
  assert.deepEqual(
    answers.filter(({ whole }) => !whole),
    [],
  );
});
