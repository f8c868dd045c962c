import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { insertUsage } from '../insert.ts';
import type { UsageRow } from '../row.ts';
import { assertRollupsEqual } from '../testing/assert-rollups.ts';
import { startLedger, type TestLedger } from '../testing/ledger.ts';
import { HOUR_MS, NOON_MS, random, usageRow } from '../testing/rows.ts';
import { refreshRollups } from './refresh.ts';

const REQUESTS = 2500;
/** Printed, and taken from the environment to see the same again. */
const seed = Number(process.env.TOLLGATE_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));

const MODELS = ['gpt-4o', 'gpt-4o-mini', ''];

/** The versions of one request, as their owner, the reaper and a late measurement would publish them: one text each. */
function versionsOf(request: number, pick: (n: number) => number): UsageRow[] {
  const versions = [[3], [1], [2], [1, 3], [2, 3], [1, 2, 3]][pick(6)] as number[];
  const place = {
    request_id: `r-${request}`,
    startedAtMs: NOON_MS + pick(60 * HOUR_MS),
    organization_id: `o-${request % 2}`,
    project_id: `p-${request % 3}`,
    team_id: `t-${request % 5}`,
    key_id: `k-${request % 11}`,
  };
  return versions.map((version) =>
    usageRow({
      ...place,
      version,
      provider: version === 1 ? '' : 'azure-openai',
      model: version === 1 ? '' : MODELS[pick(3)],
      status: version === 1 ? 'abandoned' : pick(9) === 0 ? 'failed' : 'completed',
      cache_status: ['HIT', 'MISS', 'BYPASS', ''][pick(4)],
      prompt_tokens: pick(5000),
      completion_tokens: pick(3000),
      cached_prompt_tokens: pick(1000),
      reasoning_tokens: pick(500),
      served_prompt_tokens: pick(5000),
      served_completion_tokens: pick(3000),
      cost_nano_usd: pick(2 ** 31),
      saved_nano_usd: pick(2 ** 20),
    }),
  );
}

/** The stream from its beginning to its end in cuts of any length, some of them twice, some reaching back: at least once, as JetStream delivers. */
function deliveries(stream: readonly UsageRow[], pick: (n: number) => number): UsageRow[][] {
  const batches: UsageRow[][] = [];
  for (let at = 0; at < stream.length; ) {
    const end = at + 1 + pick(300);
    const batch = stream.slice(Math.max(0, at - pick(3) * pick(100)), end);
    for (let times = 1 + (pick(3) === 0 ? 1 + pick(2) : 0); times > 0; times--) batches.push(batch);
    at = end;
  }
  return batches;
}

function shuffled<T>(values: readonly T[], pick: (n: number) => number): T[] {
  const result = [...values];
  for (let at = result.length - 1; at > 0; at--) {
    const other = pick(at + 1);
    [result[at], result[other]] = [result[other] as T, result[at] as T];
  }
  return result;
}

describe('usage that is delivered at least once', () => {
  let ledger: TestLedger;
  before(async () => {
    ledger = await startLedger();
  });
  after(() => ledger?.close());

  it('has rollups whose sums equal the deduplicated rows: twice, overlapping, cut differently, in any order', async (t) => {
    t.diagnostic(`TOLLGATE_TEST_SEED=${seed}`);
    const next = random(seed);
    const pick = (n: number) => Math.floor(next() * n);
    const client = await ledger.database('delivered');
    const requests = Array.from({ length: REQUESTS }, (_, request) => versionsOf(request, pick));
    const stream = shuffled(requests.flat(), pick);
    // Two consumers that cut differently, as after a restart with another batch size.
    const batches = shuffled([...deliveries(stream, pick), ...deliveries(stream, pick)], pick);
    for (const batch of batches) {
      await insertUsage(client, shuffled(batch, pick));
      if (pick(6) === 0) await refreshRollups(client);
      if (pick(20) === 0) await client.command('OPTIMIZE TABLE usage_events');
    }
    await refreshRollups(client);

    const standing = requests.map((versions) => versions.at(-1) as UsageRow);
    const [sums] = await client.rows('SELECT count() AS n, sum(cost_nano_usd) AS cost FROM usage');
    assert.deepEqual(sums, { n: REQUESTS, cost: standing.reduce((sum, row) => sum + row.cost_nano_usd, 0) });
    await assertRollupsEqual(client);
  });
});
