import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { demoOf } from '../support/demo.ts';
import { newSystem, type System } from '../support/system.ts';
import { until } from '../support/until.ts';

// onStoreFailure: allow-within-share, across the whole gateway: Redis of the budgets is away, requests go on, and each has
// its one row, that of a request whose owner dies meanwhile too.

let system: System;
let key: string;

before(async () => {
  system = await newSystem();
  await system.start();
  const limit = '{ tokens: 1000000, window: 1d, mode: hard }';
  const allowing = '{ tokens: 1000000, window: 1y, onStoreFailure: allow-within-share }';
  const cap = '{ concurrency: 200, onStoreFailure: allow-within-share }';
  const text = (await demoOf(system)).replace(limit, allowing).replace('{ concurrency: 200 }', cap);
  assert.ok(text.includes(allowing) && text.includes(cap));
  await system.apply(text);
  ({ key } = await system.createKey('engineering', 'without-redis'));
});
after(() => system?.remove());

async function send(content: string, stream = false): Promise<Response> {
  const { gatewayUrl } = await system.status();
  return fetch(`${gatewayUrl}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-api-key': key, 'x-tollgate-cache': 'no-store' },
    body: JSON.stringify({ model: 'gpt-4o', stream, messages: [{ role: 'user', content }] }),
  });
}

interface Row {
  status: string;
  degraded: string;
  n: string;
}

async function rowOf(response: Response): Promise<Row | undefined> {
  const id = response.headers.get('x-request-id');
  const rows = await system.sql<Row>(
    `SELECT status, guardrail_hits['degraded.budget_store'] AS degraded, count() OVER () AS n FROM usage WHERE request_id = '${id}'`,
  );
  return rows[0];
}

test('requests go on, are told as degraded, and each has its row when Redis is back', async () => {
  await until('a request within the budget', async () => ((await send('Before')).ok ? true : undefined));
  await system.control('POST', '/engines/redis/stop');
  const answer = await until('an answer without Redis', async () => {
    const response = await send('Meanwhile');
    await response.text();
    return response.ok ? response : undefined;
  });
  assert.equal(answer.headers.get('x-tollgate-degraded'), 'budget_store');
  assert.equal(answer.headers.get('ratelimit'), null);
  await until('readiness: every limit of every team allows it', async () => {
    const { services } = await system.status();
    return services.every(({ ready }) => ready) ? true : undefined;
  });
  // The owner of this one dies while Redis is away: its lease is in guard-auth's memory.
  const simulator = await system.simulator();
  await simulator.addFault({ delayMs: 20_000 });
  const calls = (await simulator.calls()).at(-1)?.sequence ?? 0;
  const lost = send('Owner dies');
  await simulator.waitForCalls({ afterSequence: calls });
  await system.control('POST', '/services/upstream-1/kill');
  const interrupted = await lost;
  await interrupted.text();
  assert.equal(interrupted.status, 502);

  await system.control('POST', '/engines/redis/start');
  const served = await until('the row', () => rowOf(answer), 60_000);
  assert.deepEqual(served, { status: 'completed', degraded: served.degraded, n: served.n });
  assert.deepEqual([Number(served.degraded), Number(served.n)], [1, 1]);
  const abandoned = await until('the row of the one whose owner died', () => rowOf(interrupted), 90_000);
  assert.deepEqual([abandoned.status, Number(abandoned.n)], ['abandoned', 1]);
  await until(
    'admission by Redis again',
    async () => {
      const response = await send('After');
      await response.text();
      return response.ok && response.headers.get('x-tollgate-degraded') === null ? true : undefined;
    },
    60_000,
  );
});
