import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { ask, type LoadResult, startLoad } from '../support/load.ts';
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

const once = (content: string) => ask({ gatewayUrl, key }, content);

/** Stops an engine under load, looks at what callers get meanwhile, and starts it again. */
async function interrupt(engine: string, meanwhile: () => Promise<void>): Promise<LoadResult[]> {
  const load = startLoad({ gatewayUrl, key, rate: 20 });
  let answers: LoadResult[];
  try {
    await until('some load', async () => load.sent() > 20 || undefined);
    await system.control('POST', `/engines/${engine}/stop`);
    await meanwhile();
    await system.control('POST', `/engines/${engine}/start`);
  } finally {
    answers = await load.stop();
  }
  await until(`full service after ${engine} came back`, async () => {
    const answer = await once(`After ${engine}`);
    answers.push(answer);
    return answer.whole || undefined;
  });
  return answers;
}

/** Every request that was answered, and every one that was admitted, has exactly one row. */
async function expectRows(answers: LoadResult[]): Promise<void> {
  const ids = answers.filter(({ whole }) => whole).map(({ requestId }) => requestId);
  assert.ok(ids.length > 0);
  const list = ids.map((id) => `'${id}'`).join(',');
  await until(
    `${ids.length} rows`,
    async () => {
      const [row] = await system.sql<{ n: number; ids: number }>(
        `SELECT count() AS n, uniqExact(request_id) AS ids FROM usage WHERE request_id IN (${list})`,
      );
      assert.equal(Number(row?.n), Number(row?.ids));
      return Number(row?.ids) === ids.length || undefined;
    },
    60_000,
  );
}

test('NATS', async () => {
  const answers = await interrupt('nats', async () => {
    const answer = await until('a clear error', async () => {
      const one = await once('While NATS is away');
      return one.status === 503 ? one : undefined;
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
  const answers = await interrupt('redis', async () => {
    const answer = await until('a clear error', async () => {
      const one = await once('While Redis is away');
      return one.status === 503 ? one : undefined;
    });
    assert.equal(answer.code, 'store_unavailable');
  });
  for (const { status, code } of answers.filter(({ whole }) => !whole))
    assert.equal(`${status} ${code}`, '503 store_unavailable');
  await expectRows(answers);
});

test('Redis of the cache: requests are served without it', async () => {
  const answers = await interrupt('cacheRedis', async () => {
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
  const answers = await interrupt('clickhouse', async () => {
    for (let number = 0; number < 20; number++) assert.equal((await once(`No ledger ${number}`)).status, 200);
  });
  assert.deepEqual(
    answers.filter(({ whole }) => !whole),
    [],
  );
  await expectRows(answers);
});
