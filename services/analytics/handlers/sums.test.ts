import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { payloadBytesMax } from '@tollgate/bus';
import { LedgerSumsReply, LedgerSumsRequest } from '@tollgate/contracts';
import type { BudgetSums, UnmeasuredRow } from '@tollgate/ledger';
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
  requests: 1,
  promptTokens: 1,
  completionTokens: 1,
  cachedPromptTokens: 0,
  reasoningTokens: 0,
  costNanoUsd: 1,
});

function setUp(
  budgetSums: () => Promise<BudgetSums>,
  consumer: { ackFloor(): Promise<number> } | undefined = { ackFloor: async () => 7 },
) {
  const metrics = createMetrics('test');
  const logger = createLogger({ service: 'test', replica: 'test', level: 'silent' });
  const sums = new Sums({ ledger: { budgetSums }, consumer: () => consumer, logger, metrics, now: () => 1e12 });
  const ask = async (scope = 'team') => {
    const window = { scope, scopeId: 't', startMs: 0, endMs: 1, models: [] };
    const bytes = await sums.answer(LedgerSumsRequest.encode({ organizationId: 'o', windows: [window] }).finish());
    return { bytes, reply: LedgerSumsReply.decode(bytes) };
  };
  return { ask, metrics };
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
