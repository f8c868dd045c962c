import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { ask, type LoadResult } from '../support/load.ts';
import { type System, sharedSystem } from '../support/system.ts';
import { until } from '../support/until.ts';

// Upstream killed with SIGKILL in the moment in which an answer ends: the caller has an answer or an honest error, and
// its row is there. Ten times here; `npm run test:faults` sets TOLLGATE_TEST_KILLS to 100.

const kills = Number(process.env.TOLLGATE_TEST_KILLS ?? 10);
/** A lease that nobody renews becomes a row after 30 s. */
const rowMsMax = 60_000;

let system: System;
let gatewayUrl: string;
let keyId: string;
let key: string;

before(async () => {
  system = sharedSystem();
  ({ gatewayUrl } = await system.status());
  ({ key, id: keyId } = await system.createKey('engineering', 'upstream-kill'));
});

test(`${kills} kills at the end of an answer`, { timeout: 120_000 + kills * 5000 }, async (t) => {
  const simulator = await system.simulator();
  const answers: LoadResult[] = [];
  for (let round = 0; round < kills; round++) {
    await until('upstream is ready', async () => (await upstream())?.ready || undefined, 20_000, 100);
    const { replica } = (await upstream()) ?? {};
    assert.ok(replica);
    const stream = round % 2 === 1;
    const content = `Kill ${round}: ${process.hrtime.bigint()}`;
    const calls = await simulator.calls({ ended: true });
    const answer = ask({ gatewayUrl, key, stream }, content);
    // The provider has just given its last byte; upstream is about to write usage and end.
    await simulator.waitForCalls({ afterSequence: calls.at(-1)?.sequence ?? 0, ended: true });
    await new Promise((resolve) => setTimeout(resolve, round % 5));
    await system.control('POST', `/services/${replica}/kill`);
    answers.push(await answer);
  }
  for (const { whole, status, code } of answers) {
    assert.ok(
      whole || code === 'gateway_interrupted' || code === 'overloaded',
      `neither an answer nor an honest error: ${status} ${code}`,
    );
  }
  const hit = answers.filter(({ whole }) => !whole).length;
  t.diagnostic(`${hit} of ${kills} kills were before the caller had the end of its answer`);
  assert.ok(hit > 0, 'kills that are all too late show nothing');
  const rows = await until(
    'a row for every request',
    async () => {
      const found = await system.sql<{ request_id: string; status: string; n: number }>(
        `SELECT request_id, any(status) AS status, count() AS n FROM usage WHERE key_id = '${keyId}' GROUP BY request_id`,
      );
      return found.length >= kills ? found : undefined;
    },
    rowMsMax,
    500,
  );
  assert.ok(rows.every(({ n }) => Number(n) === 1));
  const ids = new Set(rows.map(({ request_id }) => request_id));
  for (const { requestId, status } of answers) assert.ok(ids.has(requestId), `${status} ${requestId}`);
});

async function upstream() {
  return (await system.status()).services.find(({ name }) => name === 'upstream');
}
