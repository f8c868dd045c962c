import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { ask, type LoadResult, startLoad } from '../support/load.ts';
import { type System, sharedSystem } from '../support/system.ts';
import { until } from '../support/until.ts';

// NATS, Redis, ClickHouse stopped and started again: clear errors meanwhile, full service after, no row lost.

let system: System;
let gatewayUrl: string;
let key: string;

const one = (content: string) => ask({ gatewayUrl, key }, content);

before(async () => {
  system = sharedSystem();
  ({ gatewayUrl } = await system.status());
  key = (await system.createKey('engineering', 'engines')).key;
});

/** Stops an engine under load, looks at what callers get meanwhile, and starts it again. Every answer of all this. */
async function interrupt(engine: string, meanwhile: (once: typeof one) => Promise<void>): Promise<LoadResult[]> {
  const others: LoadResult[] = [];
  const once = async (content: string) => {
    const answer = await one(content);
    others.push(answer);
    return answer;
  };
  const load = startLoad({ gatewayUrl, key, rate: 20 });
  let answers: LoadResult[];
  try {
    await until('some load', async () => load.sent() > 20 || undefined);
    await system.control('POST', `/engines/${engine}/stop`);
    await meanwhile(once);
    await system.control('POST', `/engines/${engine}/start`);
  } finally {
    answers = await load.stop();
  }
  await until(`full service after ${engine} came back`, async () => (await once(`After ${engine}`)).whole || undefined);
  return [...answers, ...others];
}

/**
 * Every request that was admitted has exactly one row: those that were answered, and those that had reached the provider when
 * their answer was lost. The others have one at most.
 */
async function expectRows(answers: LoadResult[]): Promise<void> {
  const calls = await (await system.simulator()).calls();
  const called = new Set(calls.map(({ headers }) => headers['x-ms-client-request-id']));
  const known = answers.filter(({ requestId }) => requestId !== '');
  const admitted = known.filter(({ whole, requestId }) => whole || called.has(requestId));
  assert.ok(admitted.length > 0);
  const list = known.map(({ requestId }) => `'${requestId}'`).join(',');
  await until(
    `${admitted.length} rows`,
    async () => {
      const rows = await system.sql<{ id: string; n: number }>(
        `SELECT request_id AS id, count() AS n FROM usage WHERE request_id IN (${list}) GROUP BY request_id`,
      );
      for (const { id, n } of rows) assert.equal(Number(n), 1, id);
      const found = new Set(rows.map(({ id }) => id));
      return admitted.every(({ requestId }) => found.has(requestId)) || undefined;
    },
    60_000,
  );
}

test('NATS', async () => {
  const answers = await interrupt('nats', async (once) => {
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
  await expectRows(answers);
});

test('Redis of the budgets', async () => {
  const answers = await interrupt('redis', async (once) => {
    const answer = await until('a clear error', async () => {
      const refused = await once('While Redis is away');
      return refused.status === 503 ? refused : undefined;
    });
    assert.equal(answer.code, 'store_unavailable');
  });
  for (const { status, code } of answers.filter(({ whole }) => !whole))
    assert.equal(`${status} ${code}`, '503 store_unavailable');
  await expectRows(answers);
});

test('Redis of the cache: requests are served without it', async () => {
  const answers = await interrupt('cacheRedis', async (once) => {
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
  await expectRows(answers);
});

test('ClickHouse: callers notice nothing, and its rows come later', async () => {
  const answers = await interrupt('clickhouse', async (once) => {
    for (let number = 0; number < 20; number++) assert.equal((await once(`No ledger ${number}`)).status, 200);
  });
  assert.deepEqual(
    answers.filter(({ whole }) => !whole),
    [],
  );
  await expectRows(answers);
});
