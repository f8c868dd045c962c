import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { payloadBytesMax } from '@tollgate/bus';
import { LedgerSumsReply, LedgerSumsRequest } from '@tollgate/contracts';
import type { BudgetSum, BudgetSums, BudgetSumsQuestion, UnmeasuredRow } from '@tollgate/ledger';
import { createLogger, createMetrics } from '@tollgate/telemetry';
import { Sums } from './sums.ts';

const unmeasured = (requestId: string, version: number, startedAtMs: number): UnmeasuredRow => ({
  requestId,
  version,
  startedAtMs,
  projectId: 'p',
  teamId: 't',
  keyId: 'k',
  model: '',
  reservations: '',
  requests: 1,
  promptTokens: 1,
  completionTokens: 1,
  cachedPromptTokens: 0,
  reasoningTokens: 0,
  costNanoUsd: 1,
});

function setUp(
  budgetSums: (question: BudgetSumsQuestion) => Promise<BudgetSums>,
  consumer: { ackFloor(): Promise<number> } | undefined = { ackFloor: async () => 7 },
) {
  const metrics = createMetrics('test');
  const logger = createLogger({ service: 'test', replica: 'test', level: 'silent' });
  const sums = new Sums({ ledger: { budgetSums }, consumer: () => consumer, logger, metrics, now: () => 1e12 });
  const ask = async (scope = 'team') => {
    const window = { scope, scopeId: 't', startMs: 0, endMs: 1, models: [], selector: '', quantity: '', window: '' };
    const bytes = await sums.answer(
      LedgerSumsRequest.encode({ organizationId: 'o', windows: [window], upToSeq: 0 }).finish(),
    );
    return { bytes, reply: LedgerSumsReply.decode(bytes) };
  };
  return { ask, metrics, sums };
}

describe('Sums', () => {
  it('never answers with more than a message holds, and tells first what is likely to be replaced', async () => {
    const rows = Array.from({ length: 5000 }, (_, i) => unmeasured(`estimated-${i}`, 2, i));
    rows.push(unmeasured('abandoned', 1, 0));
    const { ask, metrics } = setUp(async () => ({ sums: [], unmeasured: rows }));
    const { bytes, reply } = await ask();
    assert.ok(bytes.length <= payloadBytesMax, String(bytes.length));
    assert.ok(reply.unmeasured.length > 500);
    assert.deepEqual(
      reply.unmeasured.slice(0, 2).map(({ requestId }) => requestId),
      ['abandoned', 'estimated-4999'],
    );
    assert.match(
      await metrics.text(),
      new RegExp(`untold_total\\{service="test"\\} ${5001 - reply.unmeasured.length}`),
    );
  });

  it('tells single values in units of their quantity, up to the sequence that was asked for, and no empty window', async () => {
    const plain = { scope: 'team', scopeId: 't', startMs: 0, endMs: 1, models: [] } as const;
    const figures = {
      requests: 2,
      promptTokens: 5,
      completionTokens: 7,
      ...{ cachedPromptTokens: 0, reasoningTokens: 0 },
    };
    const used = { ...figures, costNanoUsd: 9 };
    const none = { ...used, requests: 0, promptTokens: 0, completionTokens: 0, costNanoUsd: 0 };
    const sumOf = (quantity: string): BudgetSum => {
      const window = { ...plain, counters: { selector: 'p-user', quantity, window: '1d' } };
      return { window, ...used, values: new Map([['ann', used]]) };
    };
    const quantities = ['tokens', 'prompt_tokens', 'completion_tokens', 'cost_nano_usd', 'requests'];
    const all = [...quantities.map(sumOf), { window: plain, ...none, values: new Map() }];
    let upToSeq = 0;
    const { sums } = setUp(async (question) => {
      upToSeq = question.upToSeq;
      return { sums: all, unmeasured: [] };
    });
    const request = LedgerSumsRequest.encode({ organizationId: 'o', windows: [], upToSeq: 5 }).finish();
    const reply = LedgerSumsReply.decode(await sums.answer(request));
    assert.deepEqual([upToSeq, reply.acknowledgedSeq], [5, 5]);
    assert.deepEqual(
      reply.sums.map(({ window, values }) => [window?.quantity, values]),
      [12, 5, 7, 9, 2].map((spent, at) => [quantities[at], [{ value: 'ann', spent }]]),
    );
  });

  it('says why there are none', async () => {
    const none = setUp(async () => Promise.reject(new Error('the ledger is away')));
    assert.deepEqual((await none.ask()).reply.error, 'the ledger is away');
    const early = setUp(async () => ({ sums: [], unmeasured: [] }), undefined);
    assert.equal((await early.ask('galaxy')).reply.error !== '', true);
  });

  it('makes a bounded number at once', async () => {
    const held = Promise.withResolvers<BudgetSums>();
    const { ask } = setUp(() => held.promise);
    const running = Array.from({ length: 4 }, () => ask());
    assert.match((await ask()).reply.error, /4 sums are being made/);
    held.resolve({ sums: [], unmeasured: [] });
    for (const { reply } of await Promise.all(running)) assert.deepEqual([reply.error, reply.acknowledgedSeq], ['', 7]);
  });
});
