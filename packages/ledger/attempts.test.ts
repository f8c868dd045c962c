import assert from 'node:assert/strict';
import { text } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { type Attempt, Receipt, type TokenCounts, UsageEvent } from '@tollgate/contracts';
import type { LedgerClient } from './client.ts';
import { insertUsage } from './insert.ts';
import { runReadOnly } from './queries/read-only.ts';
import { toUsageRow } from './row.ts';
import { startLedger, type TestLedger } from './testing/ledger.ts';
import { NOON_MS } from './testing/rows.ts';

const tokens = (prompt: number, completion: number): TokenCounts => ({
  prompt,
  completion,
  cachedPrompt: 0,
  reasoning: 0,
});
const attempt = (model: string, code: string, billed: TokenCounts, costNanoUsd: number): Attempt => ({
  ...{ provider: 'azure', model, deployment: `prod-${model}`, code, httpStatus: code === '' ? 200 : 429 },
  ...{ latencyUs: 5000, tokens: billed, costNanoUsd },
});

describe('what each attempt was billed', () => {
  let ledger: TestLedger;
  let client: LedgerClient;
  before(async () => {
    ledger = await startLedger();
    client = await ledger.database('attempts');
  });
  after(() => ledger?.close());

  it('comes from the wire to an analyst, failed ones that the provider billed too; the row is their sum', async () => {
    const receipt = {
      ...Receipt.decode(new Uint8Array(0)),
      requestId: 'r',
      organizationId: 'o',
      teamId: 't',
      startedAtMs: NOON_MS,
    };
    const event: UsageEvent = {
      ...UsageEvent.decode(new Uint8Array(0)),
      ...{ receipt, version: 3, billed: tokens(170, 27), costNanoUsd: 1207 },
      attempts: [attempt('gpt-4o', 'content_filter', tokens(70, 7), 207), attempt('o3', '', tokens(100, 20), 1000)],
    };
    const received = UsageEvent.decode(UsageEvent.encode(event).finish());
    await insertUsage(client, [toUsageRow(received, 1)]);
    const asked = `SELECT attempts, attempt_models, attempt_deployments, attempt_codes, attempt_prompt_tokens, attempt_completion_tokens, attempt_costs_nano_usd,
      prompt_tokens - arraySum(attempt_prompt_tokens) AS prompt, completion_tokens - arraySum(attempt_completion_tokens) AS completion,
      cost_nano_usd - arraySum(attempt_costs_nano_usd) AS cost FROM usage`;
    assert.deepEqual(JSON.parse(await text(await runReadOnly(client, asked, 'JSONEachRow'))), {
      attempts: 2,
      attempt_models: ['gpt-4o', 'o3'],
      attempt_deployments: ['prod-gpt-4o', 'prod-o3'],
      attempt_codes: ['content_filter', ''],
      attempt_prompt_tokens: [70, 100],
      attempt_completion_tokens: [7, 20],
      attempt_costs_nano_usd: [207, 1000],
      ...{ prompt: 0, completion: 0, cost: 0 },
    });
  });
});
