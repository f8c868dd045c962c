import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { LedgerClient } from '../client.ts';
import { insertUsage } from '../insert.ts';
import { refreshRollups } from '../rollups/refresh.ts';
import { startLedger, type TestLedger } from '../testing/ledger.ts';
import { HOUR_MS, NOON_MS, usageRow } from '../testing/rows.ts';
import { type BreakdownPoint, REST_GROUP, usageBreakdown } from './breakdown.ts';

const MINUTE_MS = 60_000;
const NOW_MS = NOON_MS + 30 * MINUTE_MS;

describe('usageBreakdown', () => {
  let ledger: TestLedger;
  let client: LedgerClient;

  before(async () => {
    ledger = await startLedger();
    client = await ledger.database('breakdown');
    const sales = { team_id: 'p.sales', team: 'sales', model: 'gpt-4o-mini', cost_nano_usd: 10 };
    await insertUsage(client, [
      usageRow({ startedAtMs: NOON_MS - 5 * HOUR_MS }),
      usageRow({ startedAtMs: NOON_MS + 1000 }),
      usageRow({ startedAtMs: NOON_MS + 1000, ...sales }),
      usageRow({ startedAtMs: NOON_MS + 2000, ...sales }),
      usageRow({
        startedAtMs: NOON_MS + 5 * MINUTE_MS,
        model: '',
        status: 'refused',
        prompt_tokens: 0,
        completion_tokens: 0,
        cost_nano_usd: 0,
      }),
    ]);
    await refreshRollups(client);
  });
  after(() => ledger?.close());

  const brief = (points: BreakdownPoint[]) =>
    points.map(({ bucketMs, group, requests }) => [bucketMs - NOON_MS, group, requests]);

  it('gives parts that agree: totals, teams by models, and both over time', async () => {
    const range = { fromMs: NOON_MS - HOUR_MS, toMs: NOW_MS };
    const { bucket, total, cells, byTeam, byModel } = await usageBreakdown(client, { range, nowMs: NOW_MS });
    assert.equal(bucket, 'minute');
    assert.deepEqual([total.requests, total.tokens, total.costNanoUsd, total.refused], [4, 360, 1020, 1]);
    assert.deepEqual(
      cells.map(({ project, team, teamId, model, requests, costNanoUsd }) => [
        project,
        team,
        teamId,
        model,
        requests,
        costNanoUsd,
      ]),
      [
        ['sample-project', 'engineering', 't-1', 'gpt-4o', 1, 1000],
        ['sample-project', 'sales', 'p.sales', 'gpt-4o-mini', 2, 20],
        ['sample-project', 'engineering', 't-1', '', 1, 0],
      ],
    );
    assert.deepEqual(brief(byTeam), [
      [0, 't-1', 1],
      [0, 'p.sales', 2],
      [5 * MINUTE_MS, 't-1', 1],
    ]);
    assert.deepEqual(brief(byModel), [
      [0, 'gpt-4o', 1],
      [0, 'gpt-4o-mini', 2],
      [5 * MINUTE_MS, '', 1],
    ]);
  });

  it('reads rollups for long ranges, and events alone when asked for exactness', async () => {
    const range = { fromMs: NOON_MS - 5 * HOUR_MS + 1, toMs: NOON_MS + 5 * HOUR_MS };
    const whole = await usageBreakdown(client, { range, bucket: 'hour', nowMs: range.toMs });
    assert.deepEqual([whole.range.fromMs, whole.total.requests], [NOON_MS - 5 * HOUR_MS, 5]);
    const exact = await usageBreakdown(client, { range, bucket: 'hour', nowMs: range.toMs, exact: true });
    assert.deepEqual([exact.range, exact.total.requests], [range, 4]);
  });

  it('is about one team or model when asked, and about nothing in an empty range', async () => {
    const range = { fromMs: NOON_MS - HOUR_MS, toMs: NOW_MS };
    const sales = await usageBreakdown(client, { range, filter: { teamId: 'p.sales' }, nowMs: NOW_MS });
    assert.deepEqual([sales.total.requests, sales.cells.length, brief(sales.byTeam)], [2, 1, [[0, 'p.sales', 2]]]);
    const mini = await usageBreakdown(client, { range, filter: { model: 'gpt-4o' }, nowMs: NOW_MS });
    assert.equal(mini.total.requests, 1);
    const nothing = await usageBreakdown(client, { range: { fromMs: 1, toMs: 2 }, nowMs: NOW_MS });
    assert.deepEqual(
      [nothing.total.requests, nothing.total.costNanoUsd, nothing.cells, nothing.byTeam],
      [0, 0, [], []],
    );
  });

  it('sums groups beyond the ten that cost most, and loses none', async () => {
    const crowd = await ledger.database('breakdown_crowd');
    await insertUsage(
      crowd,
      Array.from({ length: 25 }, (_, i) => usageRow({ team_id: `t-${i}`, model: `m-${i}`, cost_nano_usd: 1000 - i })),
    );
    const range = { fromMs: NOON_MS, toMs: NOW_MS };
    const { total, cells, byTeam, byModel } = await usageBreakdown(crowd, { range, nowMs: NOW_MS });
    assert.deepEqual([byTeam.length, byModel.length, cells.length], [11, 11, 25]);
    for (const points of [byTeam, byModel]) {
      assert.equal(points.find(({ group }) => group === REST_GROUP)?.requests, 15);
      assert.equal(
        points.reduce((sum, { costNanoUsd }) => sum + costNanoUsd, 0),
        total.costNanoUsd,
      );
    }
  });
});
