import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { connect, type LedgerClient, migrate } from '@tollgate/ledger';
import { readQuestions } from '@tollgate/ledger/testing/questions';
import { startEngines, type TestEngines } from '@tollgate/testing/engines';
import { type Generated, generate } from './generate.ts';
import { measure, median, timingTable } from './measure.ts';
import { measureOwn, ownQuestions, ownTimingTable } from './own-questions.ts';

const rows = 20_000;

describe('the benchmark of the ledger', () => {
  let engines: TestEngines;
  let client: LedgerClient;
  let generated: Generated;
  before(async () => {
    engines = await startEngines({ only: ['clickhouse'] });
    client = connect({ url: engines.clickhouse.url });
    await migrate(client);
    generated = await generate(client, { rows, toMs: Date.now(), onStep: () => {} });
  });
  after(async () => {
    await client?.close();
    await engines?.close();
  });

  it('makes each request once, of every status, and sums that equal the rows', async () => {
    const [made] = await client.rows(
      `SELECT count() AS rows, uniqExact(request_id) AS requests, uniqExact(status) AS statuses, uniqExact(team_id) AS teams,
         countIf(cost_nano_usd != arraySum(attempt_costs_nano_usd)) AS wrong,
         sum(cost_nano_usd) - (SELECT sum(cost_nano_usd) FROM usage_hourly FINAL) AS hourly,
         sum(cost_nano_usd) - (SELECT sum(cost_nano_usd) FROM usage_daily_by_key FINAL) AS daily FROM usage`,
    );
    assert.deepEqual(made, { rows, requests: rows, statuses: 6, teams: 40, wrong: 0, hourly: 0, daily: 0 });
  });

  it('asks every question, and each finds something', async () => {
    const questions = readQuestions();
    const timings = await measure(client, questions, 2);
    assert.deepEqual(
      timings.map(({ number, ms }) => [number, ms.length]),
      questions.map(({ number }) => [number, 2]),
    );
    for (const { title, lines, rowsRead, granules } of timings)
      assert.ok(lines > 0 && rowsRead > 0 && granules > 0, title);
    assert.equal(timingTable(timings).split('\n').length, questions.length + 2);
  });

  it('asks what Tollgate itself asks, and each finds something', async () => {
    const timings = await measureOwn(client, { ...generated, rounds: 2 });
    assert.deepEqual(
      timings.map(({ title, ms }) => [title, ms.length]),
      ownQuestions.map(({ title }) => [title, 2]),
    );
    // Sums that are right are no line.
    for (const { title, lines, rowsToRead, granules } of timings)
      assert.ok((lines > 0 || title.startsWith('reconciler')) && rowsToRead > 0 && granules > 0, title);
    assert.equal(ownTimingTable(timings).split('\n').length, ownQuestions.length + 2);
  });

  it('takes the median', () => {
    assert.equal(median([9, 1, 5]), 5);
    assert.equal(median([9, 1, 5, 7]), 6);
  });
});
