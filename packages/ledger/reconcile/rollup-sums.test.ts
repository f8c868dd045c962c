import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import type { LedgerClient } from '../client.ts';
import { insertUsage } from '../insert.ts';
import { DAILY_BY_KEY, HOURLY, rebuildRollup } from '../rollups/rebuild.ts';
import { refreshRollups } from '../rollups/refresh.ts';
import { startLedger, type TestLedger } from '../testing/ledger.ts';
import { HOUR_MS, NOON_MS, usageRow } from '../testing/rows.ts';
import { rollupDifferences } from './rollup-sums.ts';

let ledger: TestLedger;
let client: LedgerClient;
before(async () => {
  ledger = await startLedger();
  client = await ledger.database('rollup_sums');
});
after(() => ledger?.close());

/** As if all this had come long before the last refresh. */
const age = () =>
  client.command(
    'ALTER TABLE usage_events UPDATE inserted_at = inserted_at - INTERVAL 1 DAY WHERE 1',
    {},
    { settings: { mutations_sync: '1' } },
  );
const compare = (max = 10) => rollupDifferences(client, HOURLY, { fromMs: NOON_MS, toMs: NOON_MS + 3 * HOUR_MS }, max);

it('finds hours whose sums are not those of the rows, and leaves those alone that the refresh has yet to do', async () => {
  const replaced = usageRow({ version: 1, prompt_tokens: 900 });
  const later = usageRow({ startedAtMs: NOON_MS + HOUR_MS, team_id: 't-2' });
  // Apart, or the engine keeps one of them only.
  await insertUsage(client, [replaced]);
  await insertUsage(client, [{ ...replaced, version: 3 }, later, usageRow({ model: 'mini' })]);
  await refreshRollups(client);
  assert.deepEqual(await compare(), { spans: 0, differences: [] });
  await age();
  assert.deepEqual(await compare(), { spans: 2, differences: [] });

  await insertUsage(client, [usageRow({ startedAtMs: NOON_MS + 5, prompt_tokens: 7 })]);
  assert.deepEqual(await compare(), { spans: 1, differences: [] });
  await age();
  const hour = { keyId: '', fromMs: NOON_MS, teamId: 't-1', model: 'gpt-4o' };
  const missing = { ...hour, column: 'requests', inRows: 2, inRollup: 1 };
  assert.deepEqual(await compare(), { spans: 2, differences: [missing] });

  await client.command(`INSERT INTO usage_hourly SELECT * REPLACE (rollup_version + 1 AS rollup_version, cost_nano_usd + 3 AS cost_nano_usd)
    FROM usage_hourly FINAL WHERE team_id = 't-2'`);
  const wrong = { keyId: '', fromMs: NOON_MS + HOUR_MS, teamId: 't-2', model: 'gpt-4o' };
  const cost = { ...wrong, column: 'cost_nano_usd', inRows: 1000, inRollup: 1003 };
  assert.deepEqual((await compare()).differences, [missing, cost]);
  assert.deepEqual((await compare(1)).differences, [missing]);
  await rebuildRollup(client, NOON_MS, NOON_MS + 3 * HOUR_MS);
  assert.deepEqual(await compare(), { spans: 2, differences: [] });
});

it('compares days by key as it does hours', async () => {
  client = await ledger.database('rollup_sums_by_day');
  const midnight = NOON_MS - 12 * HOUR_MS;
  const days = () => rollupDifferences(client, DAILY_BY_KEY, { fromMs: midnight, toMs: midnight + 48 * HOUR_MS }, 10);
  await insertUsage(client, [
    usageRow(),
    usageRow({ key_id: 'k-2' }),
    usageRow({ startedAtMs: NOON_MS + 24 * HOUR_MS }),
  ]);
  await refreshRollups(client);
  await age();
  assert.deepEqual(await days(), { spans: 2, differences: [] });
  await client.command(`INSERT INTO usage_daily_by_key SELECT * REPLACE (rollup_version + 1 AS rollup_version, prompt_tokens - 1 AS prompt_tokens)
    FROM usage_daily_by_key FINAL WHERE key_id = 'k-2'`);
  const wrong = { fromMs: midnight, teamId: 't-1', keyId: 'k-2', model: 'gpt-4o' };
  assert.deepEqual((await days()).differences, [{ ...wrong, column: 'prompt_tokens', inRows: 100, inRollup: 99 }]);
});
