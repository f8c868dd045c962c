import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { LedgerClient } from './client.ts';
import { insertUsage } from './insert.ts';
import type { UsageRow } from './row.ts';
import { startOwnLedger } from './testing/ledger.ts';
import { NOON_MS, random, usageRow } from './testing/rows.ts';

describe('insertUsage', () => {
  let ledger: Awaited<ReturnType<typeof startOwnLedger>>;
  before(async () => {
    ledger = await startOwnLedger();
  });
  after(() => ledger?.close());

  const seen = (client: LedgerClient) =>
    client.rows<{ requests: number; tokens: number; cost: number }>(
      'SELECT count() AS requests, sum(prompt_tokens + completion_tokens) AS tokens, sum(cost_nano_usd) AS cost FROM usage',
    );
  const expected = (rows: readonly UsageRow[]) => [
    {
      requests: rows.length,
      tokens: rows.reduce((sum, row) => sum + row.prompt_tokens + row.completion_tokens, 0),
      cost: rows.reduce((sum, row) => sum + row.cost_nano_usd, 0),
    },
  ];
  const manyRows = (count: number) =>
    Array.from({ length: count }, (_, i) =>
      usageRow({ request_id: `many-${i}`, startedAtMs: NOON_MS + i * 1000, team_id: `t-${i % 3}`, prompt_tokens: i }),
    );

  it('writes every column as it was given', async () => {
    const client = await ledger.database('columns');
    const row = usageRow({
      request_id: 'all',
      client_request_id: 'from "caller"\n',
      metadata: { 'a\'b"': '\\ \u{1F600}' },
      pii_entities: { EMAIL: 2 },
      guardrail_hits: { piiMasking: 1 },
      cost_nano_usd: 9_007_199_254_740_991,
      cache_similarity: 0.5,
      stream: true,
      ttft_ms: 12,
    });
    await insertUsage(client, [row]);
    const columns = Object.keys(row).map((name) => `\`${name}\``);
    const [read] = await client.rows<UsageRow>(`SELECT ${columns.join(', ')} FROM usage_events`);
    assert.deepEqual(read, row);
  });

  it('counts a request once: same batch twice, overlapping batches, other order, with merges between', async () => {
    const client = await ledger.database('repeats');
    const rows = manyRows(1000);
    const next = random(7);
    await insertUsage(client, rows);
    await insertUsage(client, rows);
    await insertUsage(client, rows.toReversed());
    await client.command('OPTIMIZE TABLE usage_events FINAL');
    for (let round = 0; round < 5; round++) {
      const start = Math.floor(next() * 900);
      await insertUsage(client, rows.slice(start, start + 100));
    }
    await insertUsage(
      client,
      rows.toSorted(() => next() - 0.5),
    );
    assert.deepEqual(await seen(client), expected(rows));
  });

  it('keeps the highest version whatever order versions come in', async () => {
    const client = await ledger.database('versions');
    const version = (request_id: string, version: number, cost_nano_usd: number) =>
      usageRow({ request_id, version, cost_nano_usd, status: version === 1 ? 'abandoned' : 'completed' });
    await insertUsage(client, [version('a', 3, 30), version('b', 1, 1)]);
    await insertUsage(client, [version('a', 1, 10), version('b', 3, 300)]);
    await insertUsage(client, [version('a', 2, 20), version('b', 2, 200), version('c', 1, 7)]);
    const read = () => client.rows('SELECT request_id, version, cost_nano_usd AS cost FROM usage ORDER BY request_id');
    const highest = [
      { request_id: 'a', version: 3, cost: 30 },
      { request_id: 'b', version: 3, cost: 300 },
      { request_id: 'c', version: 1, cost: 7 },
    ];
    assert.deepEqual(await read(), highest);
    await client.command('OPTIMIZE TABLE usage_events FINAL');
    assert.deepEqual(await read(), highest);
  });

  it('has every acknowledged batch after SIGKILL, and repeating the unacknowledged one makes it whole', async () => {
    const client = await ledger.database('killed');
    const rows = manyRows(3000);
    let acknowledged = 0;
    let killed: Promise<void> | undefined;
    const write = async () => {
      for (let start = 0; start < rows.length; start += 100) {
        await insertUsage(client, rows.slice(start, start + 100));
        acknowledged = start + 100;
        if (acknowledged === 1500) killed = ledger.engines.clickhouse.kill();
      }
    };
    await assert.rejects(write());
    await killed;
    await ledger.engines.clickhouse.start();
    const [row] = await seen(client);
    assert.ok((row?.requests ?? 0) >= acknowledged && acknowledged >= 1500, `${row?.requests} of ${acknowledged}`);
    await insertUsage(client, rows.slice(acknowledged - 100));
    assert.deepEqual(await seen(client), expected(rows));
  });
});
