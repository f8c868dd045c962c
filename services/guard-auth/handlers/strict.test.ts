import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import type { ConfigSnapshot, Limit } from '@tollgate/config';
import {
  type AuthCall,
  type AuthResult,
  encode,
  type InputBound,
  LeaseExtend,
  LeaseExtended,
  LeaseRenewal,
  Surface,
  UsageEvent,
} from '@tollgate/contracts';
import type { TollgateError } from '@tollgate/errors';
import { createMetrics } from '@tollgate/telemetry';
import { startEngines, type TestEngines } from '@tollgate/testing/engines';
import type { BudgetStore } from '../adapters/budget-store.ts';
import { IdempotencyStore } from '../adapters/idempotency-store.ts';
import { ModelMeasures } from '../domain/model-measures.ts';
import * as given from '../testing/harness.ts';
import { Admission } from './admission.ts';
import { Extensions } from './extensions.ts';
import { Renewals } from './renewals.ts';

const { organizationId, startedAtMs, logger } = given;
const known = given.keyRecord();
const input: InputBound = { textBytesMax: 240, images: 0, files: 0, unbounded: '' };
/** 240 bytes and what a provider puts around them. */
const prompt = 304;
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

const strict = (amount: number, change: Partial<Limit> = {}) => given.limit({ amount, mode: 'strict', ...change });

async function ask(
  snapshot: ConfigSnapshot,
  requestId: string,
  change: Partial<AuthCall> = {},
  metrics = createMetrics('test'),
): Promise<AuthResult> {
  const by = new Admission({
    keys: {
      at: () => snapshot,
      key: () => known,
      lookupKey: async () => known,
      stale: () => false,
    },
    store,
    idempotency: new IdempotencyStore(store.redis, { bytesMax: 1 << 20 }),
    measures: new ModelMeasures(),
    unproven: () => undefined,
    onRefused: () => {},
    degraded: { active: false, saw: () => {}, begin: () => {}, failed: () => {}, admit: () => false },
    onUncertain: () => assert.fail('nothing is uncertain'),
    onRebuilding: () => assert.fail('the counters are there'),
    onAdmitted: () => {},
    metrics,
    now: () => startedAtMs,
    wait: async () => {},
  });
  const value: AuthCall = {
    ...{ keyHash: Buffer.from(known.hash, 'hex'), surface: Surface.CHAT_COMPLETIONS, model: 'gpt-4o', startedAtMs },
    ...{ bodyBytes: 240, outputTokensMax: 0, n: 1, stream: false, user: '', metadata: {}, clientAddress: '' },
    ...{ owner: 'pipeline-1', input, ...change },
  };
  const call = { $case: 'auth', value } as const;
  const request = { id: 1, requestId, timeoutMs: 1000, revision: 1, proxy: 'sample.chat', guardrail: 0, call };
  const result = await by.handle(request);
  assert.ok(result?.$case === 'auth');
  return result.value;
}

test('the receipt says what may be written, and holds the most that the request can use', async () => {
  const snapshot = given.snapshot({ team: [strict(6000)] });
  const first = await ask(snapshot, 'r1');
  assert.deepEqual(
    [first.receipt?.outputTokensMax, first.receipt?.estimatedPromptTokens, first.receipt?.estimatedCompletionTokens],
    [4096, prompt, 4096],
  );
  assert.deepEqual(
    first.receipt?.reservations.map(({ amount, strictLimit }) => [amount, strictLimit]),
    [[prompt + 4096, 6000]],
  );
  assert.equal(first.headers['x-ratelimit-remaining-tokens'], String(6000 - prompt - 4096));
  const lease = UsageEvent.decode((await store.release(organizationId, 'r1', false)) ?? new Uint8Array());
  assert.deepEqual(lease.receipt, first.receipt);
  assert.deepEqual([lease.billed?.prompt, lease.billed?.completion], [prompt, 4096]);
  assert.equal(lease.costNanoUsd, prompt * 2500 + 4096 * 10_000);

  const second = await ask(snapshot, 'r2', { outputTokensMax: 9000 });
  assert.equal(second.receipt?.outputTokensMax, 6000 - 2 * prompt - 4096);
  assert.equal(second.headers['x-ratelimit-remaining-tokens'], '0');
  const third = await ask(snapshot, 'r3');
  assert.equal(third.refusal?.code, 'rate_limit_exceeded', 'only reserved');
  assert.deepEqual(third.receipt?.reservations, []);
  assert.deepEqual((await ask(snapshot, 'r2', { outputTokensMax: 5 })).receipt, second.receipt, 'a repeat');
});

test('fewer tokens than are of use are refused until the window ends', async () => {
  const snapshot = given.snapshot({ team: [strict(1000)] });
  const window = (await ask(snapshot, 'r1')).receipt?.reservations[0];
  assert.ok(window);
  const leave = (tokens: number) =>
    store.redis.command('HSET', store.keys(organizationId).counter(window), 'spent', 1000 - tokens, 'reserved', 0);
  await leave(prompt + 15);
  const { refusal } = await ask(snapshot, 'r2');
  assert.deepEqual([refusal?.code, refusal?.retryAfterMs], ['budget_exceeded', window.windowEndMs - startedAtMs]);
  await leave(prompt + 16);
  assert.equal((await ask(snapshot, 'r3')).receipt?.outputTokensMax, 16);
  await leave(prompt + 5);
  assert.equal(
    (await ask(snapshot, 'r4', { outputTokensMax: 5 })).receipt?.outputTokensMax,
    5,
    'the caller wants no more',
  );
});

test('another limit that has no room for what was granted is the one that refuses', async () => {
  const snapshot = given.snapshot({ team: [strict(9000), given.tokenLimit(400, '1d')] });
  const window = (await ask(snapshot, 'r1')).receipt?.reservations[1];
  assert.equal(window?.amount, 80, 'a quarter of the bytes, and a twentieth of the limit');
  // The least that a strict request takes of it, 76, would fit.
  await store.redis.command('HSET', store.keys(organizationId).counter(window), 'spent', 400 - 78, 'reserved', 0);
  const { refusal } = await ask(snapshot, 'r2');
  assert.deepEqual([refusal?.code, refusal?.retryAfterMs], ['budget_exceeded', window.windowEndMs - startedAtMs]);
  assert.match(refusal?.message ?? '', /of team engineering for 1d/);
});

test('a limit on cost bounds the output at the price of the dearest model', async () => {
  const snapshot = given.snapshot({
    team: [strict(prompt * 2500 + 100 * 10_000 + 9999, { quantity: 'cost_nano_usd' })],
  });
  const { receipt } = await ask(snapshot, 'r1');
  assert.deepEqual([receipt?.outputTokensMax, receipt?.reservations[0]?.amount], [100, prompt * 2500 + 100 * 10_000]);
});

test('what has no bound is refused by name, and only where a strict limit binds', async () => {
  const metrics = createMetrics('test');
  const unbounded = { input: { ...input, unbounded: 'previous_response_id' } };
  const { refusal, receipt } = await ask(given.snapshot({ team: [strict(9000)] }), 'r1', unbounded, metrics);
  assert.deepEqual([refusal?.code, refusal?.param], ['invalid_request', 'previous_response_id']);
  assert.deepEqual([receipt?.teamId, receipt?.reservations], ['sample.engineering', []]);
  assert.match(await metrics.text(), /tollgate_auth_decisions_total\{decision="unbounded",service="test"\} 1/);
  assert.equal((await ask(given.snapshot({ team: [given.limit({})] }), 'r2', unbounded)).refusal, undefined);
  const others = given.snapshot({ team: [strict(9000, { models: ['gpt-4o-mini'] })] });
  assert.equal((await ask(others, 'r3', unbounded)).refusal, undefined);
  const answers = given.snapshot({ team: [strict(9000, { quantity: 'completion_tokens' })] });
  assert.equal((await ask(answers, 'r4', { input: { ...input, images: 1 } })).refusal, undefined);
});

test('an input that nobody described is no admission', async () => {
  await assert.rejects(
    async () => ask(given.snapshot({ team: [strict(9000)] }), 'r1', { input: undefined }),
    ({ code }: TollgateError) => code === 'guard_unavailable',
  );
});

test('200 at once on a nearly spent budget, all of them with the whole of a long answer: never passed', async (t) => {
  const limit = 1_000_000;
  const snapshot = given.snapshot({ team: [strict(limit)], organization: [strict(limit, { window: '1d' })] });
  const window = (await ask(snapshot, 'first')).receipt?.reservations[0];
  assert.ok(window);
  const key = store.keys(organizationId).counter(window);
  await store.redis.command('HSET', key, 'spent', limit - 20_000, 'reserved', 0);
  const answers = await Promise.all(Array.from({ length: 200 }, (_, at) => ask(snapshot, `r${at}`)));
  const used = answers.reduce((sum, { receipt }) => {
    const { estimatedPromptTokens = 0, estimatedCompletionTokens = 0 } = receipt?.outputTokensMax ? receipt : {};
    return sum + estimatedPromptTokens + estimatedCompletionTokens;
  }, 0);
  const overspend = (100 * Math.max(0, used - 20_000)) / limit;
  t.diagnostic(`overspend when every admitted request uses its bound: ${overspend} %`);
  assert.equal(overspend, 0);
  assert.equal(used, 20_000, 'all of it is given away');
});

test('an owner has the reservation extended, and what it hears is what the store did', async () => {
  const snapshot = given.snapshot({ team: [strict(9000)] });
  const { receipt } = await ask(snapshot, 'r1');
  const metrics = createMetrics('test');
  const extensions = new Extensions({ store, at: () => snapshot, logger, metrics });
  const extend = async (times: number) =>
    LeaseExtended.decode(await extensions.answer(encode(LeaseExtend, { receipt, times, hedge: false }))).granted;
  assert.deepEqual([await extend(2), await extend(2), await extend(3)], [true, true, false]);
  const broken = new Extensions({
    ...{ store: { extend: () => Promise.reject(new Error('away')) }, at: () => snapshot, logger, metrics },
  });
  assert.equal(
    LeaseExtended.decode(await broken.answer(encode(LeaseExtend, { receipt, times: 2, hedge: false }))).granted,
    false,
  );
  assert.equal(LeaseExtended.decode(await extensions.answer(Buffer.from('no message'))).granted, false);
  assert.match(await metrics.text(), /tollgate_lease_extensions_total\{outcome="refused",service="test"\} 3/);
});

test('a lease that is written again is charged no more than the strict limit on cost holds', async () => {
  const snapshot = given.snapshot({ team: [strict(1e9, { quantity: 'cost_nano_usd' })] });
  const { receipt } = await ask(snapshot, 'r1', { model: 'gpt-4o-mini' });
  assert.ok(receipt);
  await given.reset(store);
  const renewals = new Renewals({
    ...{ store, snapshot: () => snapshot, onSeen: () => {}, logger, metrics: createMetrics('test') },
  });
  await renewals.handle(encode(LeaseRenewal, { replica: 'upstream-1', receipts: [receipt] }));
  const lease = UsageEvent.decode((await store.release(organizationId, 'r1', false)) ?? new Uint8Array());
  assert.equal(lease.costNanoUsd, receipt.reservations[0]?.amount);
  assert.equal(lease.costNanoUsd, prompt * 150 + 4096 * 600);
});

test('before a hedge every limit that refuses is asked, by the configuration that admitted the request', async () => {
  const limits = (team: number, organization: number) =>
    given.snapshot({
      team: [given.limit({ amount: team }), given.limit({ amount: 1, mode: 'soft', window: '1d' })],
      organization: [given.limit({ amount: organization })],
    });
  const room = limits(9000, 4000);
  const asked: number[] = [];
  const extensions = new Extensions({
    ...{ store, logger, metrics: createMetrics('test') },
    at: async (revision) => {
      asked.push(revision);
      return room;
    },
  });
  const hedge = async (requestId: string) => {
    const { receipt } = await ask(room, requestId, { outputTokensMax: 1440 });
    return LeaseExtended.decode(await extensions.answer(encode(LeaseExtend, { receipt, times: 2, hedge: true })))
      .granted;
  };
  // 60 for the prompt and 1,440 for its answer.
  assert.deepEqual([await hedge('r1'), await hedge('r2')], [true, false], 'the organization has 1,000 left');
  assert.deepEqual(asked, [1, 1]);
});
