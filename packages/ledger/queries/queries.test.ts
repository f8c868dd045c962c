import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { LedgerClient } from '../client.ts';
import { insertUsage } from '../insert.ts';
import { refreshRollups } from '../rollups/refresh.ts';
import { startLedger, type TestLedger } from '../testing/ledger.ts';
import { HOUR_MS, NOON_MS, usageRow } from '../testing/rows.ts';
import { latestRequests } from './latest.ts';
import { usageOverTime } from './over-time.ts';
import { teamUsage, usageBy } from './totals.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * HOUR_MS;
/** The questions are asked at 14:30 of the fifth day. */
const NOW_MS = NOON_MS + 4 * DAY_MS + 2 * HOUR_MS + 30 * MINUTE_MS;

describe('questions', () => {
  let ledger: TestLedger;
  let client: LedgerClient;

  before(async () => {
    ledger = await startLedger();
    client = await ledger.database('questions');
    const product = { team_id: 't-2', team: "prod'uct", model: 'gpt-4o-mini', cost_nano_usd: 10 };
    const hit = {
      status: 'cached',
      cache_status: 'HIT',
      prompt_tokens: 0,
      completion_tokens: 0,
      cost_nano_usd: 0,
      saved_nano_usd: 900,
    } as const;
    await insertUsage(client, [
      usageRow(),
      usageRow({ startedAtMs: NOON_MS + 5 * MINUTE_MS, ...hit }),
      usageRow({ startedAtMs: NOON_MS + DAY_MS, ...product }),
      usageRow({ startedAtMs: NOON_MS + DAY_MS + HOUR_MS, ...product, status: 'failed', cost_nano_usd: 0 }),
    ]);
    await refreshRollups(client);
    // Not in the rollups: these hours are read from the events.
    await insertUsage(client, [
      usageRow({ startedAtMs: NOW_MS - 90 * MINUTE_MS, model: 'gpt-4o-mini' }),
      usageRow({ startedAtMs: NOW_MS - 10 * MINUTE_MS, request_id: 'young', version: 1, status: 'abandoned' }),
      usageRow({ startedAtMs: NOW_MS - 10 * MINUTE_MS, request_id: 'young', version: 3, model: 'gpt-4o-mini' }),
    ]);
  });
  after(() => ledger?.close());

  const brief = (points: { bucketMs: number; group: string; requests: number; tokens: number; cacheHits: number }[]) =>
    points.map(({ bucketMs, group, requests, tokens, cacheHits }) => [
      bucketMs - NOON_MS,
      group,
      requests,
      tokens,
      cacheHits,
    ]);

  it('over time by hours: the rollup, and events where it is not yet', async () => {
    const range = { fromMs: NOON_MS + 10, toMs: NOW_MS };
    const { bucket, points, ...rest } = await usageOverTime(client, { range, nowMs: NOW_MS });
    assert.deepEqual([bucket, rest.range.fromMs], ['hour', NOON_MS]);
    assert.deepEqual(brief(points), [
      [0, '', 2, 120, 1],
      [DAY_MS, '', 1, 120, 0],
      [DAY_MS + HOUR_MS, '', 1, 120, 0],
      [4 * DAY_MS + HOUR_MS, '', 1, 120, 0],
      [4 * DAY_MS + 2 * HOUR_MS, '', 1, 120, 0],
    ]);
  });

  it('over time by team, by days', async () => {
    const range = { fromMs: NOW_MS - 30 * DAY_MS, toMs: NOW_MS };
    const { bucket, points } = await usageOverTime(client, { range, by: 'team', nowMs: NOW_MS });
    const midnight = -12 * HOUR_MS;
    assert.equal(bucket, 'day');
    assert.deepEqual(brief(points), [
      [midnight, 'engineering', 2, 120, 1],
      [midnight + DAY_MS, "prod'uct", 2, 240, 0],
      [midnight + 4 * DAY_MS, 'engineering', 2, 240, 0],
    ]);
    assert.deepEqual(
      points.map(({ costNanoUsd, savedNanoUsd, errors }) => [costNanoUsd, savedNanoUsd, errors]),
      [
        [1000, 900, 0],
        [10, 0, 1],
        [2000, 0, 0],
      ],
    );
  });

  it('over time by minutes, of one team and model', async () => {
    const range = { fromMs: NOW_MS - HOUR_MS, toMs: NOW_MS };
    const filter = { team: 'engineering', model: 'gpt-4o-mini' };
    const { bucket, points } = await usageOverTime(client, { range, filter, by: 'model', nowMs: NOW_MS });
    assert.equal(bucket, 'minute');
    assert.deepEqual(brief(points), [[4 * DAY_MS + 2 * HOUR_MS + 20 * MINUTE_MS, 'gpt-4o-mini', 1, 120, 0]]);
    const other = await usageOverTime(client, { range, filter: { teamId: 't-2' }, nowMs: NOW_MS });
    assert.deepEqual(other.points, []);
  });

  it('sums groups beyond the largest twenty as other', async () => {
    const crowd = await ledger.database('crowd');
    const rows = Array.from({ length: 25 }, (_, i) => usageRow({ team: `team-${i}`, prompt_tokens: 1000 - i }));
    await insertUsage(crowd, rows);
    const range = { fromMs: NOON_MS, toMs: NOON_MS + HOUR_MS };
    const { points } = await usageOverTime(crowd, { range, by: 'team' });
    assert.equal(points.length, 21);
    assert.equal(points.find(({ group }) => group === 'other')?.requests, 5);
  });

  it('totals by model and team', async () => {
    const range = { fromMs: NOON_MS, toMs: NOW_MS };
    const models = await usageBy(client, 'model', { range, nowMs: NOW_MS });
    assert.deepEqual(
      models.map(({ group, requests, costNanoUsd }) => [group, requests, costNanoUsd]),
      [
        ['gpt-4o-mini', 4, 2010],
        ['gpt-4o', 2, 1000],
      ],
    );
    const teams = await usageBy(client, 'team', { range, filter: { team: "prod'uct" }, nowMs: NOW_MS });
    assert.deepEqual(
      teams.map(({ group, requests, errors }) => [group, requests, errors]),
      [["prod'uct", 2, 1]],
    );
  });

  it("one team's usage exactly, since a moment", async () => {
    const all = await teamUsage(client, 'engineering', NOON_MS, { nowMs: NOW_MS });
    assert.deepEqual(
      [all.requests, all.tokens, all.costNanoUsd, all.savedNanoUsd, all.cacheHits, all.models.length],
      [4, 360, 3000, 900, 1, 2],
    );
    const later = await teamUsage(client, 'engineering', NOON_MS + 1, { nowMs: NOW_MS });
    assert.equal(later.requests, 3);
    const nobody = await teamUsage(client, 'nobody', NOON_MS, { nowMs: NOW_MS });
    assert.deepEqual([nobody.requests, nobody.models], [0, []]);
  });

  it('the latest requests, one row each', async () => {
    const latest = await latestRequests(client, { nowMs: NOW_MS, sinceMs: NOW_MS - DAY_MS });
    assert.deepEqual(
      latest.map(({ requestId, status, model }) => [requestId === 'young', status, model]),
      [
        [true, 'completed', 'gpt-4o-mini'],
        [false, 'completed', 'gpt-4o-mini'],
      ],
    );
    const one = await latestRequests(client, {
      nowMs: NOW_MS,
      sinceMs: 0,
      limit: 1,
      filter: { organizationId: 'o-1' },
    });
    assert.equal(one.length, 1);
  });

  it('refuse ranges that cannot be', async () => {
    for (const range of [
      { fromMs: 1, toMs: 1 },
      { fromMs: 0, toMs: 401 * DAY_MS },
      { fromMs: Number.NaN, toMs: 1 },
    ]) {
      await assert.rejects(usageOverTime(client, { range }), RangeError);
    }
  });
});
