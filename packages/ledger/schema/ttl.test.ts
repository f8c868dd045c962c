import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { insertUsage } from '../insert.ts';
import { refreshRollups } from '../rollups/refresh.ts';
import { utc } from '../row.ts';
import { startLedger, type TestLedger } from '../testing/ledger.ts';
import { HOUR_MS, usageRow } from '../testing/rows.ts';

const DAY_MS = 24 * HOUR_MS;

describe('the age of rows', () => {
  let ledger: TestLedger;
  before(async () => {
    ledger = await startLedger();
  });
  after(() => ledger?.close());

  it('has a bound of 13 months: older ones go with their rollups, by whole parts, and younger ones stay', async () => {
    const client = await ledger.database('old');
    const nowMs = Date.now();
    await insertUsage(client, [
      usageRow({ request_id: 'expired', startedAtMs: nowMs - 440 * DAY_MS }),
      usageRow({ request_id: 'kept', startedAtMs: nowMs - 380 * DAY_MS }),
      usageRow({ request_id: 'young', startedAtMs: nowMs }),
    ]);
    await refreshRollups(client);
    // The engine may drop the oldest events before anything sums them: what the rollups hold of them is written as it would have been.
    const expired = { team_id: 't-1', requests: 1 };
    const expiredAt = utc(Math.floor((nowMs - 440 * DAY_MS) / HOUR_MS) * HOUR_MS).slice(0, 19);
    await client.insert('usage_hourly', [{ ...expired, hour: expiredAt }]);
    await client.insert('usage_daily_by_key', [{ ...expired, day: expiredAt }]);
    const counts = async () => {
      const [row] = await client.rows(
        `SELECT (SELECT groupArray(request_id) FROM (SELECT request_id FROM usage ORDER BY started_at)) AS requests,
           (SELECT sum(requests) FROM usage_hourly FINAL) AS hourly, (SELECT sum(requests) FROM usage_daily_by_key FINAL) AS daily`,
      );
      return row;
    };
    for (const table of ['usage_events', 'usage_hourly', 'usage_daily_by_key'])
      await client.command(`OPTIMIZE TABLE ${table} FINAL`);
    assert.deepEqual(await counts(), { requests: ['kept', 'young'], hourly: 2, daily: 2 });
  });

  it('is bounded in every table that grows: by 13 months, in whole parts', async () => {
    const client = await ledger.database('bounded');
    const tables = await client.rows<{ name: string; bounded: boolean; whole: boolean }>(
      `SELECT name, position(create_table_query, 'toIntervalMonth(13)') > 0 AS bounded,
         position(create_table_query, 'ttl_only_drop_parts = 1') > 0 AS whole
       FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree' ORDER BY name`,
    );
    // One row a rollup, and one a migration.
    const small = ['rollup_progress', 'schema_migrations'];
    const growing = tables.filter(({ name }) => !small.includes(name));
    assert.ok(growing.length >= 4, JSON.stringify(tables));
    assert.deepEqual(
      growing.filter(({ bounded, whole }) => !bounded || !whole),
      [],
      JSON.stringify(tables),
    );
  });
});
