import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { LedgerClient } from '../client.ts';
import { insertUsage } from '../insert.ts';
import { startLedger, type TestLedger } from '../testing/ledger.ts';
import { HOUR_MS, NOON_MS, usageRow } from '../testing/rows.ts';
import { type BudgetScope, budgetSums } from './budget-sums.ts';

const window = (scope: BudgetScope, scopeId: string, startMs = NOON_MS, endMs = NOON_MS + 24 * HOUR_MS) => ({
  scope,
  scopeId,
  startMs,
  endMs,
  models: [] as string[],
});

describe('budgetSums', () => {
  let ledger: TestLedger;
  let client: LedgerClient;
  before(async () => {
    ledger = await startLedger();
    client = await ledger.database('budgets');
    await insertUsage(client, [
      usageRow({ stream_seq: 1 }),
      usageRow({ stream_seq: 2, startedAtMs: NOON_MS - 1 }),
      usageRow({ stream_seq: 3, key_id: 'k-2' }),
      usageRow({ stream_seq: 4, team_id: 't-2', key_id: 'k-3', project_id: 'p-2' }),
      usageRow({ stream_seq: 5, reservations: '', prompt_tokens: 0, completion_tokens: 0, cost_nano_usd: 0 }),
      usageRow({ stream_seq: 6, request_id: 'guess', version: 2, startedAtMs: NOON_MS + HOUR_MS, prompt_tokens: 7 }),
      usageRow({ stream_seq: 7, request_id: 'old-guess', version: 1, startedAtMs: NOON_MS - 2 * HOUR_MS }),
      usageRow({ stream_seq: 9, request_id: 'late' }),
      usageRow({ stream_seq: 8, organization_id: 'o-2' }),
    ]);
  });
  after(() => ledger?.close());

  const ask = (upToSeq: number, windows = [window('organization', 'o-1')], unmeasuredSinceMs = NOON_MS) =>
    budgetSums(client, { organizationId: 'o-1', windows, upToSeq, unmeasuredSinceMs });
  const brief = async (...asked: Parameters<typeof ask>) =>
    (await ask(...asked)).sums.map(({ window, requests, promptTokens, costNanoUsd }) => [
      window.scopeId,
      requests,
      promptTokens,
      costNanoUsd,
    ]);

  it('sums each scope in its own window, without refused requests and without other organizations', async () => {
    const windows = [
      window('organization', 'o-1'),
      window('team', 't-1'),
      window('team', 't-2'),
      window('key', 'k-2'),
      window('project', 'p-2'),
      window('team', 'nobody'),
      window('team', 't-1', NOON_MS - 3 * HOUR_MS, NOON_MS),
    ];
    assert.deepEqual(await brief(8, windows), [
      ['o-1', 4, 307, 4000],
      ['t-1', 3, 207, 3000],
      ['t-2', 1, 100, 1000],
      ['k-2', 1, 100, 1000],
      ['p-2', 1, 100, 1000],
      ['nobody', 0, 0, 0],
      ['t-1', 2, 200, 2000],
    ]);
  });

  it('counts nothing that came later than the sequence', async () => {
    assert.deepEqual(await brief(0), [['o-1', 0, 0, 0]]);
    assert.deepEqual(await brief(3), [['o-1', 2, 200, 2000]]);
    assert.deepEqual(await brief(9), [['o-1', 5, 407, 5000]]);
  });

  it('tells what is not measured one by one, from the moment that was asked for', async () => {
    const { unmeasured } = await ask(9);
    assert.deepEqual(
      unmeasured.map(({ requestId, version, promptTokens }) => [requestId, version, promptTokens]),
      [['guess', 2, 7]],
    );
    const earlier = await ask(9, [window('organization', 'o-1')], NOON_MS - 3 * HOUR_MS);
    assert.deepEqual(
      earlier.unmeasured.map(({ requestId }) => requestId),
      ['guess', 'old-guess'],
    );
    // Told one by one or not, the sums are the same.
    assert.deepEqual(earlier.sums, (await ask(9)).sums);
  });

  it('counts for a filter what its models served, and of unserved requests those that asked for them or for none', async () => {
    const filtered = await ledger.database('filtered');
    await insertUsage(filtered, [
      usageRow({ stream_seq: 1, prompt_tokens: 1 }),
      usageRow({ stream_seq: 2, prompt_tokens: 10, model: 'mini', model_requested: '' }),
      usageRow({ stream_seq: 3, prompt_tokens: 100, model: '', model_requested: 'gpt-4o' }),
      usageRow({ stream_seq: 4, prompt_tokens: 1000, model: '', model_requested: 'mini' }),
      usageRow({ stream_seq: 5, prompt_tokens: 10_000, model: '', model_requested: '', version: 1 }),
      usageRow({ stream_seq: 6, prompt_tokens: 100_000, model: 'mini', version: 2 }),
    ]);
    const windows = [['gpt-4o'], ['mini'], ['gpt-4o', 'mini'], []].map((models) => ({
      ...window('team', 't-1'),
      models,
    }));
    const question = { organizationId: 'o-1', windows, upToSeq: 9, unmeasuredSinceMs: NOON_MS };
    const { sums } = await budgetSums(filtered, question);
    assert.deepEqual(
      sums.map(({ promptTokens, requests }) => [promptTokens, requests]),
      [
        [10_101, 3],
        [111_010, 4],
        [111_111, 6],
        [111_111, 6],
      ],
    );
    assert.deepEqual(
      await budgetSums(filtered, { ...question, unmeasuredSinceMs: NOON_MS + HOUR_MS }).then((r) => r.sums),
      sums,
    );
  });

  it('tells the counters of single values apart, as the receipts name them', async () => {
    const apart = await ledger.database('apart');
    const counters = { selector: 'p-user', quantity: 'tokens', window: '1d' };
    const of = (...values: string[]) =>
      JSON.stringify([
        ...values.map((value) => ({ scope: 'team', ...counters, value })),
        { scope: 'organization', ...counters, value: 'other-scope' },
        { scope: 'team', ...counters, window: '1h', value: 'other-window' },
        { scope: 'team', ...counters, selector: '', value: '' },
      ]);
    await insertUsage(apart, [
      usageRow({ stream_seq: 1, prompt_tokens: 1, reservations: of('ann') }),
      usageRow({ stream_seq: 2, prompt_tokens: 10, reservations: of('ann') }),
      usageRow({ stream_seq: 3, prompt_tokens: 100, reservations: of('') }),
      usageRow({ stream_seq: 4, prompt_tokens: 1000 }),
      usageRow({ stream_seq: 5, prompt_tokens: 10_000, reservations: of('bob'), version: 2 }),
      usageRow({ stream_seq: 6, prompt_tokens: 100_000, version: 2 }),
    ]);
    for (const unmeasuredSinceMs of [NOON_MS, NOON_MS + HOUR_MS]) {
      const windows = [{ ...window('team', 't-1'), counters }];
      const { sums } = await budgetSums(apart, { organizationId: 'o-1', windows, upToSeq: 9, unmeasuredSinceMs });
      const values = [...(sums[0]?.values ?? [])].map(([value, { promptTokens, requests }]) => [
        value,
        promptTokens,
        requests,
      ]);
      assert.deepEqual(values.sort(), [
        ['', 100, 1],
        ['ann', 11, 2],
        ['bob', 10_000, 1],
      ]);
    }
  });

  it('leaves a replaced guess to the reader of the stream', async () => {
    const replaced = await ledger.database('replaced');
    const guess = usageRow({ request_id: 'g', stream_seq: 1, version: 2, prompt_tokens: 7 });
    await insertUsage(replaced, [guess, { ...guess, version: 3, stream_seq: 5, prompt_tokens: 9 }]);
    const question = { organizationId: 'o-1', windows: [window('team', 't-1')], unmeasuredSinceMs: NOON_MS };
    const before = await budgetSums(replaced, { ...question, upToSeq: 4 });
    assert.deepEqual([before.sums[0]?.promptTokens, before.unmeasured], [0, []]);
    const after = await budgetSums(replaced, { ...question, upToSeq: 5 });
    assert.deepEqual([after.sums[0]?.promptTokens, after.unmeasured], [9, []]);
  });

  it('asks for thousands of windows in few queries', async () => {
    const windows = Array.from({ length: 2500 }, (_, i) => window('key', `k-${i}`));
    const { sums } = await ask(9, windows);
    assert.equal(sums.length, 2500);
    assert.equal(sums[2]?.requests, 1);
    const times = Array.from({ length: 10_001 }, (_, i) => ({ ...window('team', 't-1'), startMs: i }));
    await assert.rejects(ask(9, times), RangeError);
  });
});
