import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { type Face, startFace, withoutEngine } from './testing/face.ts';

const ENDLESS = 'SELECT sum(number) FROM numbers(1000000000000)';

describe('queries of a client that leaves', { skip: withoutEngine }, () => {
  let face: Face;
  before(async () => {
    face = await startFace();
  });
  after(() => face?.stop());

  /** Asks the engine until so many endless queries run; the test's own time limit bounds it. */
  const untilRunning = async (expected: number) => {
    const client = face.client();
    for (;;) {
      const answer = await client.query({
        query: 'SELECT count() AS n FROM system.processes WHERE query = {q:String}',
        query_params: { q: ENDLESS },
        format: 'JSONEachRow',
      });
      const [row] = await answer.json<{ n: number }>();
      if (row?.n === expected) return;
      await delay(20);
    }
  };

  const endless = (signal: AbortSignal) =>
    face.request('/', { method: 'POST', body: ENDLESS, signal }).then(
      () => 'answered',
      () => 'gone',
    );

  it('are cancelled', { timeout: 20_000 }, async () => {
    const leaving = new AbortController();
    const query = endless(leaving.signal);
    await untilRunning(1);
    leaving.abort();
    assert.equal(await query, 'gone');
    await untilRunning(0);
  });

  it('are cancelled although all threads but the reserved ones are busy', {
    timeout: 30_000,
  }, async () => {
    const leaving = new AbortController();
    const staying = new AbortController();
    const queries = Array.from({ length: 9 }, () => endless(leaving.signal));
    await untilRunning(9);
    queries.push(endless(staying.signal));
    const waiting = endless(leaving.signal);
    assert.equal(await (await fetch(`${face.address}/ping`)).text(), 'Ok.\n');
    leaving.abort();
    await waiting;
    await untilRunning(1);
    staying.abort();
    await Promise.all(queries);
    await untilRunning(0);
  });
});
