import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import type { Limit } from '@tollgate/config';
import { type AuthCall, type AuthResult, Surface, UsageEvent } from '@tollgate/contracts';
import { createMetrics } from '@tollgate/telemetry';
import { startEngines, type TestEngines } from '@tollgate/testing/engines';
import type { BudgetStore } from '../adapters/budget-store.ts';
import { IdempotencyStore } from '../adapters/idempotency-store.ts';
import { partAt } from '../domain/limit-windows.ts';
import { ModelMeasures } from '../domain/model-measures.ts';
import * as given from '../testing/harness.ts';
import { Admission } from './admission.ts';

const { organizationId, startedAtMs } = given;
let engines: TestEngines;
let store: BudgetStore;

before(async () => {
  engines = await startEngines({ only: ['redis'] });
  store = await given.connectStore(engines.redis.url);
});
after(async () => {
  store.redis.close();
  await engines.close();
});
beforeEach(() => given.reset(store));

const known = given.keyRecord();

async function decide(requestId: string, limits: Limit[]): Promise<AuthResult> {
  const admission = new Admission({
    keys: {
      at: () => given.snapshot({ team: limits }),
      key: () => known,
      lookupKey: async () => known,
      stale: () => false,
    },
    store,
    idempotency: new IdempotencyStore(store.redis, { bytesMax: 1 << 20 }),
    measures: new ModelMeasures(),
    unproven: () => undefined,
    degraded: { active: false, saw: () => {}, begin: () => {}, failed: () => {}, admit: () => false },
    onRefused: () => {},
    onUncertain: () => assert.fail('nothing is uncertain'),
    onRebuilding: () => assert.fail('the counters are there'),
    onAdmitted: () => {},
    metrics: createMetrics('test'),
    now: () => startedAtMs,
    wait: async () => {},
  });
  const value: AuthCall = {
    ...{ keyHash: Buffer.from(known.hash, 'hex'), surface: Surface.CHAT_COMPLETIONS, model: 'gpt-4o', startedAtMs },
    ...{ bodyBytes: 240, outputTokensMax: 40, n: 1, stream: false, user: '', metadata: {} },
    ...{ clientAddress: '', owner: 'pipeline-1' },
  };
  const call = { $case: 'auth', value } as const;
  const result = await admission.handle({
    ...{ id: 1, requestId, timeoutMs: 1000, revision: 1, proxy: 'sample.chat', guardrail: 0, call },
  });
  assert.ok(result?.$case === 'auth');
  return result.value;
}

const rate = (change: Partial<Limit>) =>
  given.limit({ quantity: 'requests', window: '1m', amount: 1, burst: 1, ...change });

test('a rate that has no room refuses with its own code and the wait, and its row reserves nothing', async () => {
  const limits = [rate({}), given.limit({})];
  assert.equal((await decide('r1', limits)).refusal, undefined);
  const { refusal, receipt, headers } = await decide('r2', limits);
  assert.equal(refusal?.code, 'rate_limit_exceeded');
  assert.ok(refusal && refusal.retryAfterMs > 0 && refusal.retryAfterMs <= 60_000);
  assert.deepEqual(receipt?.reservations, []);
  assert.equal(headers['x-ratelimit-remaining-requests'], '0');
  assert.equal(headers['x-ratelimit-remaining-tokens'], '900');
});

test('what a shadow rate would have refused is noted, and no part of the receipt or the lease', async () => {
  const limits = [rate({ mode: 'shadow' }), given.limit({})];
  const first = await decide('r1', limits);
  assert.deepEqual([first.hits, first.receipt?.reservations.length], [{}, 2]);
  const { hits, receipt, refusal } = await decide('r2', limits);
  assert.deepEqual([hits, refusal], [{ 'shadow.team-requests-1m': 1 }, undefined]);
  assert.deepEqual(
    receipt?.reservations.map(({ quantity }) => quantity),
    ['tokens'],
  );
  const bytes = await store.release(organizationId, 'r2', false);
  assert.deepEqual(UsageEvent.decode(bytes ?? new Uint8Array()).receipt, receipt);
});

test('a rolling window that is used up is a budget, free when the part has left', async () => {
  const limits = [given.limit({ rolling: true, window: '24h', amount: 100, quantity: 'requests' })];
  for (let turn = 0; turn < 100; turn++) await decide(`r${turn}`, limits);
  const { refusal } = await decide('more', limits);
  assert.equal(refusal?.code, 'budget_exceeded');
  assert.equal(refusal?.retryAfterMs, partAt('24h', startedAtMs).countsUntilMs - startedAtMs);
});
