import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { insertUsage } from '../insert.ts';
import type { StatusName, UsageRow } from '../row.ts';
import { assertRollupsEqual } from '../testing/assert-rollups.ts';
import { startLedger, type TestLedger } from '../testing/ledger.ts';
import { HOUR_MS, NOON_MS, random, usageRow } from '../testing/rows.ts';
import { rebuildRollup } from './rebuild.ts';
import { refreshRollups, toRanges } from './refresh.ts';

const STATUSES: readonly StatusName[] = ['completed', 'cached', 'failed', 'abandoned'];

/** `count` requests over three days, some in several versions, in no order. */
function someRows(count: number, seed: number): UsageRow[] {
  const next = random(seed);
  const pick = (n: number) => Math.floor(next() * n);
  return Array.from({ length: count }, (_, i) => {
    const request = pick(count);
    return usageRow({
      request_id: `r-${request}`,
      // The sorting key follows from the request, as it does at the gateway.
      startedAtMs: NOON_MS + ((request * 7919) % 72) * HOUR_MS + request,
      team_id: `t-${request % 3}`,
      key_id: `k-${request % 7}`,
      version: 1 + pick(3),
      model: ['gpt-4o', 'gpt-4o-mini'][pick(2)],
      status: STATUSES[pick(4)],
      cache_status: ['HIT', 'MISS'][pick(2)],
      prompt_tokens: pick(1000),
      cost_nano_usd: pick(1_000_000),
      saved_nano_usd: i,
    });
  });
}

describe('rollups', () => {
  let ledger: TestLedger;
  before(async () => {
    ledger = await startLedger();
  });
  after(() => ledger?.close());

  it('equal the deduplicated rows after repeats, overlaps, replaced versions and rebuilds in any order', async () => {
    const client = await ledger.database('equal');
    const rows = someRows(3000, 11);
    const from = NOON_MS;
    const to = NOON_MS + 72 * HOUR_MS;
    for (let start = 0; start < rows.length; start += 600) {
      await insertUsage(client, rows.slice(Math.max(0, start - 200), start + 600));
      await rebuildRollup(client, from, to);
    }
    await assertRollupsEqual(client);
    await rebuildRollup(client, from + 10 * HOUR_MS, from + 20 * HOUR_MS);
    await Promise.all([rebuildRollup(client, from, to), rebuildRollup(client, from, to)]);
    await assertRollupsEqual(client);
    await client.command('OPTIMIZE TABLE usage_hourly FINAL');
    await client.command('OPTIMIZE TABLE usage_events FINAL');
    await assertRollupsEqual(client);
  });

  it('drop a group whose last request moved to another', async () => {
    const client = await ledger.database('moved');
    const row = usageRow({ request_id: 'm', version: 1, status: 'abandoned' });
    await insertUsage(client, [row]);
    await refreshRollups(client);
    await insertUsage(client, [{ ...row, version: 3, status: 'completed' }]);
    await refreshRollups(client);
    await assertRollupsEqual(client);
  });

  it('are refreshed for the hours that were touched since, also by a process that died', async () => {
    const client = await ledger.database('touched');
    assert.deepEqual(await refreshRollups(client), []);
    await insertUsage(client, [usageRow(), usageRow({ startedAtMs: NOON_MS + HOUR_MS })]);
    await insertUsage(client, [usageRow({ startedAtMs: NOON_MS + 40 * HOUR_MS })]);
    assert.deepEqual(await refreshRollups(client), [
      { fromMs: NOON_MS, toMs: NOON_MS + 2 * HOUR_MS },
      { fromMs: NOON_MS + 40 * HOUR_MS, toMs: NOON_MS + 41 * HOUR_MS },
    ]);
    await assertRollupsEqual(client);
  });

  it('can be refreshed by several processes at once while rows come in', async () => {
    const client = await ledger.database('many');
    const rows = someRows(2000, 3);
    const write = async () => {
      for (let start = 0; start < rows.length; start += 100) await insertUsage(client, rows.slice(start, start + 100));
    };
    const refresh = async () => {
      for (let round = 0; round < 5; round++) await refreshRollups(client);
    };
    await Promise.all([write(), refresh(), refresh()]);
    await refreshRollups(client);
    await assertRollupsEqual(client);
  });
});

describe('toRanges', () => {
  it('joins neighbours and keeps ranges short', () => {
    assert.deepEqual(toRanges([]), []);
    const hours = Array.from({ length: 30 }, (_, i) => i * HOUR_MS);
    assert.deepEqual(toRanges([...hours, 99 * HOUR_MS]), [
      { fromMs: 0, toMs: 24 * HOUR_MS },
      { fromMs: 24 * HOUR_MS, toMs: 30 * HOUR_MS },
      { fromMs: 99 * HOUR_MS, toMs: 100 * HOUR_MS },
    ]);
  });
});
