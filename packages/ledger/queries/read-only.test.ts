import assert from 'node:assert/strict';
import { text } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import type { LedgerClient } from '../client.ts';
import { insertUsage } from '../insert.ts';
import { startLedger, type TestLedger } from '../testing/ledger.ts';
import { usageRow } from '../testing/rows.ts';
import { runReadOnly } from './read-only.ts';

/** behaviour.md, Ledger and dashboards: what analysts may rely on. */
const PROMISED =
  `request_id started_at organization organization_id project project_id team team_id key_id proxy revision provider
  model_requested model surface stream status http_status code delivered client_request_id attempts prompt_tokens completion_tokens
  cached_prompt_tokens reasoning_tokens served_prompt_tokens served_completion_tokens estimated cost_nano_usd saved_nano_usd
  pii_entities cache_status latency_ms ttft_ms metadata price_list_version queue_ms auth_ms pii_ms cache_ms router_ms upstream_ms
  guardrail_hits`.split(/\s+/);

describe('runReadOnly', () => {
  let ledger: TestLedger;
  let client: LedgerClient;
  before(async () => {
    ledger = await startLedger();
    client = await ledger.database('analysts');
    const more = { pii_entities: { EMAIL: 2 }, metadata: { ticket: 'T-1' }, guardrail_hits: { piiMasking: 2 } };
    await insertUsage(client, [usageRow({ request_id: 'a', ...more }), usageRow({ request_id: 'b', ttft_ms: 7 })]);
  });
  after(() => ledger?.close());

  it('gives analysts every promised column', async () => {
    const stream = await runReadOnly(
      client,
      `SELECT ${PROMISED.join(', ')} FROM usage ORDER BY request_id`,
      'JSONEachRow',
    );
    const [a, b] = (await text(stream))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    assert.deepEqual(Object.keys(a ?? {}), PROMISED);
    assert.deepEqual(
      [
        a?.attempts,
        a?.queue_ms,
        a?.upstream_ms,
        a?.ttft_ms,
        a?.pii_entities,
        a?.metadata,
        a?.guardrail_hits,
        b?.ttft_ms,
      ],
      [1, 1.5, 400, null, { EMAIL: 2 }, { ticket: 'T-1' }, { piiMasking: 2 }, 7],
    );
  });

  it("takes the format that is asked for, or the statement's own", async () => {
    const ask = async (statement: string, format: string) => text(await runReadOnly(client, statement, format));
    assert.equal(
      await ask('SELECT team, count() AS n FROM usage GROUP BY team', 'CSVWithNames'),
      '"team","n"\n"engineering",2\n',
    );
    assert.equal(await ask('SELECT 1 AS a FORMAT JSONEachRow', 'CSV'), '{"a":1}\n');
    assert.throws(() => runReadOnly(client, 'SELECT 1', 'CSV; DROP TABLE usage_events'), RangeError);
  });

  it('changes nothing and lifts no bound', async () => {
    for (const statement of [
      'DROP TABLE usage_events',
      'INSERT INTO usage_events (request_id) VALUES (1)',
      'TRUNCATE TABLE usage_events',
      'SELECT 1 SETTINGS max_execution_time = 0',
      'SET readonly = 0',
      "SELECT * FROM file('/etc/hostname', 'LineAsString')",
    ]) {
      await assert.rejects(runReadOnly(client, statement, 'JSON'), { type: 'READONLY' }, statement);
    }
    const [row] = await client.rows('SELECT count() AS n FROM usage');
    assert.deepEqual(row, { n: 2 });
  });

  it('is bounded in time, rows, bytes and memory', async () => {
    const refused = (statement: string, options: Parameters<typeof runReadOnly>[3], type: string) =>
      assert.rejects(runReadOnly(client, statement, 'JSON', options), { type });
    await refused('SELECT sum(number) FROM numbers(1000000000000)', { secondsMax: 1 }, 'TIMEOUT_EXCEEDED');
    await refused('SELECT number FROM numbers(1000)', { rowsMax: 10 }, 'TOO_MANY_ROWS_OR_BYTES');
    await refused("SELECT repeat('x', 1000) FROM numbers(1000)", { bytesMax: 1000 }, 'TOO_MANY_ROWS_OR_BYTES');
    await refused(
      'SELECT groupArray(number) FROM numbers(10000000)',
      { memoryBytesMax: 10_000_000 },
      'MEMORY_LIMIT_EXCEEDED',
    );
  });

  it('ends with its caller', async () => {
    const leaving = new AbortController();
    const running = runReadOnly(client, 'SELECT sum(number) FROM numbers(1000000000000)', 'JSON', {
      signal: leaving.signal,
    });
    leaving.abort();
    await assert.rejects(running, /abort/);
  });
});
