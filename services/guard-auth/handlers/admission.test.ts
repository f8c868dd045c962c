import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { KeyRecord, Limit } from '@tollgate/config';
import { type AuthCall, type AuthResult, type GuardRequest, Surface, UsageEvent } from '@tollgate/contracts';
import { TollgateError } from '@tollgate/errors';
import { StoreFault } from '@tollgate/redis';
import { createMetrics } from '@tollgate/telemetry';
import { startEngines, type TestEngines } from '@tollgate/testing/engines';
import { commandsDuring } from '@tollgate/testing/redis';
import type { BudgetStore } from '../adapters/budget-store.ts';
import { IdempotencyStore } from '../adapters/idempotency-store.ts';
import { limitsOf } from '../domain/limits.ts';
import { ModelMeasures } from '../domain/model-measures.ts';
import { settlementOf } from '../domain/settlement.ts';
import * as given from '../testing/harness.ts';
import { Admission, type AdmissionOptions, type KeyDirectory } from './admission.ts';

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

function directory(records: KeyRecord[] = [known], limits = given.snapshot()): KeyDirectory {
  const byHash = new Map(records.map((record) => [record.hash, record]));
  return {
    at: () => limits,
    key: (hash) => byHash.get(hash),
    lookupKey: async (hash) => byHash.get(hash),
    stale: () => false,
  };
}

function admission(change: Partial<AdmissionOptions> = {}): Admission {
  return new Admission({
    keys: directory(),
    store,
    idempotency: new IdempotencyStore(store.redis, { bytesMax: 1 << 20 }),
    measures: new ModelMeasures(),
    onUncertain: () => assert.fail('nothing is uncertain'),
    onRebuilding: () => assert.fail('the counters are there'),
    onAdmitted: () => {},
    unproven: () => undefined,
    degraded: {
      active: false,
      begin: () => assert.fail('no limit allows it'),
      failed: () => assert.fail('no limit allows it'),
      saw: () => {},
      admit: () => false,
    },
    onRefused: () => {},
    metrics: createMetrics('test'),
    now: () => startedAtMs,
    wait: async () => {},
    ...change,
  });
}

function request(requestId: string, change: Partial<AuthCall> = {}): GuardRequest {
  const value: AuthCall = {
    keyHash: Buffer.from(known.hash, 'hex'),
    surface: Surface.CHAT_COMPLETIONS,
    model: 'gpt-4o',
    startedAtMs,
    bodyBytes: 240,
    outputTokensMax: 40,
    n: 1,
    stream: false,
    user: '',
    metadata: { ticket: '7' },
    clientAddress: '',
    owner: 'pipeline-1',
    ...change,
  };
  const call = { $case: 'auth', value } as const;
  return { id: 1, requestId, timeoutMs: 1000, revision: 1, proxy: 'sample.chat', guardrail: 0, call };
}

async function decide(by: Admission, of: GuardRequest): Promise<AuthResult> {
  const result = await by.handle(of);
  assert.ok(result?.$case === 'auth');
  return result.value;
}

const limited = (amount: number) => ({
  keys: directory([known], given.snapshot({ team: [given.tokenLimit(amount)] })),
});

const manyLimits = {
  team: [
    given.tokenLimit(1_000_000),
    given.limit({ quantity: 'requests', amount: 1000, window: '1m' }),
    given.limit({ quantity: 'cost_nano_usd', amount: 1e12, window: '24h', rolling: true }),
    given.limit({ quantity: 'requests', amount: 1000, window: '1d', per: 'key' }),
  ],
  project: [given.limit({ quantity: 'concurrency', amount: 1000 })],
  organization: [given.limit({ quantity: 'prompt_tokens', amount: 1e9, mode: 'soft', window: '1d' })],
};

const everyLimits = {
  'without a limit': {},
  'of one limit': { team: [given.tokenLimit(1_000_000)] },
  'of six limits of every kind': manyLimits,
  'that is refused': { team: [given.tokenLimit(150)] },
};

for (const [what, limits] of Object.entries(everyLimits)) {
  test(`an admission ${what} is one round trip to Redis`, async () => {
    const by = admission({ keys: directory([known], given.snapshot(limits)) });
    // The first one tells the server its script.
    const { receipt } = await decide(by, request('first'));
    assert.equal(receipt?.reservations.length, Object.values(limits).flat().length);
    const { sent, result } = await commandsDuring({ redis: store.redis, redisUrl: engines.redis.url }, () =>
      Promise.all(Array.from({ length: 20 }, (_, at) => decide(by, request(`r${at}`)))),
    );
    assert.equal(sent, 20);
    const refused = result.filter(({ refusal }) => refusal !== undefined);
    assert.equal(refused.length, what === 'that is refused' ? 20 : 0);
  });
}

test('what a limit binds that is not proven to work is not admitted', async () => {
  const [unproven] = limitsOf(given.snapshot({ team: [given.tokenLimit(5)] }), known.teamId);
  const by = admission({
    unproven: ({ teamId }, [model]) => (teamId === known.teamId && model ? unproven : undefined),
  });
  const before = await given.dump(store);
  const result = await by.handle(request('r1'));
  assert.ok(result?.$case === 'error');
  assert.equal(result.value.code, 'limit_unproven');
  assert.match(result.value.message, /The tokens limit of team engineering for 1h is not proven/);
  assert.ok(result.value.retryAfterMs > 0);
  assert.deepEqual(await given.dump(store), before);
});

test('a response by its id needs a key that may use the proxy, and reserves nothing, even where the budget is spent', async () => {
  const restricted = given.keyRecord({ models: ['none-of-these'] });
  const by = admission({ keys: directory([restricted], given.snapshot({ team: [given.tokenLimit(5)] })) });
  const stored = { surface: Surface.STORED_RESPONSES, model: '', bodyBytes: 0, outputTokensMax: 0 };
  const { receipt, refusal, headers } = await decide(by, request('r1', stored));
  assert.equal(refusal, undefined);
  assert.deepEqual([receipt?.reservations, receipt?.estimatedCompletionTokens], [[], 0]);
  assert.deepEqual(headers, {});
  assert.equal((await decide(by, request('r2', { model: 'gpt-4o' }))).refusal?.code, 'access_denied');
  const elsewhere = admission({ keys: directory([given.keyRecord({ proxies: [] })]) });
  assert.equal((await decide(elsewhere, request('r3', stored))).refusal?.code, 'access_denied');
});

test('counting tokens is a request, of no tokens, under a strict limit too', async () => {
  const limits = [given.tokenLimit(5), given.limit({ quantity: 'requests', amount: 1, mode: 'strict' })];
  const by = admission({ keys: directory([known], given.snapshot({ team: limits })) });
  const count = { surface: Surface.COUNT_TOKENS, bodyBytes: 100_000, outputTokensMax: 0 };
  const { receipt, refusal } = await decide(by, request('r1', count));
  assert.equal(refusal, undefined);
  const { estimatedPromptTokens, estimatedCompletionTokens, outputTokensMax } = receipt ?? {};
  assert.deepEqual([estimatedPromptTokens, estimatedCompletionTokens, outputTokensMax], [0, 0, undefined]);
  assert.deepEqual(
    receipt?.reservations.map(({ quantity, amount }) => [quantity, amount]),
    [
      ['tokens', 0],
      ['requests', 1],
    ],
  );
  assert.equal((await decide(by, request('r2', count))).refusal?.code, 'budget_exceeded');
});

describe('without the store', () => {
  const allow = given.limit({ onStoreFailure: 'allow-within-share' });
  const dead = { ...limited(1000), onUncertain: () => {}, onRebuilding: () => {} };
  const share = (left: number, active = false) => {
    const state = { active, left, begun: 0 };
    return Object.assign(state, {
      begin: () => {
        state.begun++;
      },
      failed: () => {
        state.begun++;
      },
      saw: () => {},
      admit: () => state.left-- > 0,
    });
  };
  const failing = (reason: 'away' | 'deadline') =>
    ({ reserve: () => Promise.reject(new StoreFault(reason, 'test')) }) as unknown as BudgetStore;
  const allowing = (...limits: Limit[]) => directory([known], given.snapshot({ team: limits }));

  test('what every limit allows is admitted from the share, told in header and row, then refused', async () => {
    const degraded = share(1);
    const by = admission({ ...dead, keys: allowing(allow), store: failing('away'), degraded });
    const { receipt, headers, hits } = await decide(by, request('r1'));
    assert.equal(receipt?.reservations[0]?.amount, 100);
    assert.deepEqual(headers, { 'x-tollgate-degraded': 'budget_store' });
    assert.deepEqual(hits, { 'degraded.budget_store': 1 });
    const result = await by.handle(request('r2'));
    assert.equal(result?.$case === 'error' && result.value.code, 'store_unavailable');
    assert.equal(degraded.begun, 2);
  });

  test('one limit that refuses: nothing is admitted, the share is not asked', async () => {
    const by = admission({ ...dead, keys: allowing(allow, given.limit({ window: '1d' })), store: failing('away') });
    const result = await by.handle(request('r1'));
    assert.equal(result?.$case === 'error' && result.value.code, 'store_unavailable');
  });

  test('an admission that the store may have made is given up only if the share does not make it', async () => {
    const uncertain: string[] = [];
    const onUncertain = (_: string, requestId: string) => uncertain.push(requestId);
    const options = { ...dead, keys: allowing(allow), store: failing('deadline'), onUncertain };
    const by = admission({ ...options, degraded: share(1) });
    await by.handle(request('r1'));
    assert.deepEqual(uncertain, []);
    await by.handle(request('r2'));
    assert.deepEqual(uncertain, ['r2']);
  });

  test('until the outage is over the store is not asked; requests that a limit refuses without it are its own', async () => {
    const degraded = share(1, true);
    const asked = { ...dead, store, degraded };
    const { headers } = await decide(admission({ ...asked, keys: allowing(allow) }), request('r1'));
    assert.ok(headers['x-tollgate-degraded']);
    assert.deepEqual(await given.leases(store), []);
    await decide(admission({ ...asked, keys: allowing(allow, given.limit({ window: '1d' })) }), request('r2'));
    assert.deepEqual(await given.leases(store), ['r2']);
  });
});

describe('admitted', () => {
  test('the receipt says whose it is and what was reserved; the lease knows what it would become', async () => {
    const { receipt, refusal, headers } = await decide(admission(limited(1000)), request('r1'));
    assert.equal(refusal, undefined);
    assert.deepEqual(
      [
        receipt?.requestId,
        receipt?.organization,
        receipt?.team,
        receipt?.keyId,
        receipt?.startedAtMs,
        receipt?.revision,
      ],
      ['r1', 'Acme', 'engineering', 'key-1', startedAtMs, 1],
    );
    assert.deepEqual([receipt?.estimatedPromptTokens, receipt?.estimatedCompletionTokens], [60, 40]);
    assert.equal(receipt?.reservations[0]?.amount, 100);
    assert.equal(headers['x-ratelimit-remaining-tokens'], '900');
    const bytes = await store.release(organizationId, 'r1', false);
    const lease = UsageEvent.decode(bytes ?? new Uint8Array());
    assert.deepEqual(lease.receipt, receipt);
    assert.deepEqual([lease.version, lease.estimated, lease.proxy, lease.metadata], [1, true, 'chat', { ticket: '7' }]);
    // 60 prompt tokens at 2.50 and 40 at 10.00 dollars a million.
    assert.equal(lease.costNanoUsd, 60 * 2500 + 40 * 10_000);
  });

  test('a cost limit reserves the estimate at the dearest model that may serve', async () => {
    const keys = directory(
      [known],
      given.snapshot({ team: [given.limit({ quantity: 'cost_nano_usd', amount: 1e9 })] }),
    );
    const { receipt } = await decide(admission({ keys }), request('r1'));
    assert.equal(receipt?.reservations[0]?.amount, 60 * 2500 + 40 * 10_000);
    const mini = await decide(admission({ keys }), request('r2', { model: 'gpt-4o-mini' }));
    assert.equal(mini.receipt?.reservations[0]?.amount, 60 * 150 + 40 * 600);
  });

  test('a limit on some models binds whoever names one of them, and a rotation that may choose one', async () => {
    const limits = given.snapshot({ team: [given.limit({ models: ['gpt-4o'] })] });
    const bound = async (requestId: string, change: Partial<AuthCall>, rotation: string[] = []) => {
      const keys = directory([known], given.withRotation(limits, rotation));
      const { receipt } = await decide(admission({ keys }), request(requestId, change));
      return receipt?.reservations.map(({ models }) => models);
    };
    assert.deepEqual(await bound('r1', { model: 'gpt-4o' }), [['gpt-4o']]);
    assert.deepEqual(await bound('r2', { model: 'gpt-4o-mini' }), []);
    assert.deepEqual(await bound('r3', { model: '' }, ['gpt-4o', 'gpt-4o-mini']), [['gpt-4o']]);
    assert.deepEqual(await bound('r4', { model: '' }, ['gpt-4o-mini']), []);
  });

  test('a limit of one key binds who calls with a key of its name, whichever it is', async () => {
    const limits = given.snapshot({
      team: [given.limit({ keys: ['build'], amount: 150 }), given.limit({ amount: 1000 })],
    });
    const decideAs = (record: Partial<KeyRecord>, requestId: string) =>
      decide(admission({ keys: directory([{ ...known, ...record }], limits) }), request(requestId));
    const first = await decideAs({ name: 'build', id: 'key-1' }, 'r1');
    assert.equal(first.receipt?.reservations.length, 2);
    assert.match(first.headers.ratelimit ?? '', /"key-tokens-1h";r=50;/);
    const rotated = await decideAs({ name: 'build', id: 'key-2' }, 'r2');
    assert.match(rotated.refusal?.message ?? '', /The tokens budget of team engineering \(key build\) for 1h/);
    assert.deepEqual(rotated.hits, { 'hard.key-tokens-1h': 1 });
    const other = await decideAs({ name: 'nightly' }, 'r3');
    assert.deepEqual([other.refusal, other.receipt?.reservations.length], [undefined, 1]);
  });

  test('users are counted apart, and the receipt says whose counter was charged', async () => {
    const limits = [given.limit({ amount: 150, per: 'user', valuesMax: 1 })];
    const by = admission({ keys: directory([known], given.snapshot({ team: limits })) });
    const ann = await decide(by, request('r1', { user: 'ann' }));
    assert.notEqual(ann.receipt?.reservations[0]?.value, '');
    const again = await decide(by, request('r2', { user: 'ann' }));
    assert.match(again.refusal?.message ?? '', /tokens budget of team engineering per user for 1h/);
    const bob = await decide(by, request('r3', { user: 'bob' }));
    assert.deepEqual([bob.refusal, bob.receipt?.reservations[0]?.value], [undefined, '']);
    assert.equal((await decide(by, request('r4', { user: '' }))).refusal?.code, 'rate_limit_exceeded');
    assert.deepEqual((await decide(by, request('r3', { user: 'bob' }))).receipt, bob.receipt);
  });

  test('a soft limit tells the caller and the ledger, a shadow limit only the ledger; both count', async () => {
    const limits = [
      given.limit({ mode: 'soft', amount: 150 }),
      given.limit({ mode: 'shadow', amount: 99, window: '1d' }),
    ];
    const metrics = createMetrics('test');
    const by = admission({ keys: directory([known], given.snapshot({ team: limits })), metrics });
    const first = await decide(by, request('r1'));
    assert.deepEqual([first.refusal, first.headers, first.hits], [undefined, {}, { 'shadow.team-tokens-1d': 1 }]);
    const second = await decide(by, request('r2'));
    assert.deepEqual(second.headers, { 'x-tollgate-limit-exceeded': 'team-tokens-1h' });
    assert.deepEqual(second.hits, { 'soft.team-tokens-1h': 1, 'shadow.team-tokens-1d': 1 });
    assert.equal((await given.counter(store, second.receipt?.reservations[0])).reserved, 200);
    const text = await metrics.text();
    assert.match(text, /tollgate_limits_passed_total\{mode="soft",service="test"\} 1/);
    assert.match(text, /tollgate_limits_passed_total\{mode="shadow",service="test"\} 2/);
  });

  test('the same request again, by another replica, gets the same receipt', async () => {
    const first = await decide(admission(limited(1000)), request('r1'));
    const second = await decide(admission(limited(1000)), request('r1', { outputTokensMax: 10 }));
    assert.deepEqual(second, first);
  });

  test('a team without limits has a lease all the same', async () => {
    const { receipt, headers } = await decide(admission(), request('r1'));
    assert.deepEqual([receipt?.reservations, headers], [[], {}]);
    assert.deepEqual(await given.leases(store), ['r1']);
  });
});

describe('refused', () => {
  const cases: [name: string, keys: KeyDirectory, hash: Uint8Array][] = [
    ['missing', directory(), new Uint8Array()],
    ['unknown', directory([]), Buffer.from(known.hash, 'hex')],
    ['expired', directory([{ ...known, expiresAtMs: startedAtMs }]), Buffer.from(known.hash, 'hex')],
    ['revoked', directory([{ ...known, revokedAtMs: 1 }]), Buffer.from(known.hash, 'hex')],
  ];
  test('a key that is missing, unknown, expired or revoked: one text, one time, no receipt', async () => {
    const seen = new Set<string>();
    for (const [, keys, keyHash] of cases) {
      const waits: number[] = [];
      const by = admission({ keys, wait: async (ms) => void waits.push(ms) });
      const answer = await decide(by, request('r1', { keyHash }));
      assert.equal(answer.refusal?.code, 'invalid_api_key');
      assert.equal(answer.receipt, undefined);
      seen.add(JSON.stringify([answer, waits]));
    }
    assert.equal(seen.size, 1);
  });

  test('the time that a look-up took is part of the one time', async () => {
    let clockMs = startedAtMs;
    const keys = {
      ...directory([]),
      lookupKey: async () => {
        clockMs += 15;
        return undefined;
      },
    };
    const waits: number[] = [];
    await decide(admission({ keys, now: () => clockMs, wait: async (ms) => void waits.push(ms) }), request('r1'));
    assert.deepEqual(waits, [5]);
  });

  test('a key that only the bucket has yet is found there', async () => {
    const keys = { ...directory([]), lookupKey: async () => known };
    assert.equal((await decide(admission({ keys }), request('r1'))).refusal, undefined);
  });

  test('access: with a receipt that reserves nothing', async () => {
    const keys = directory([{ ...known, models: ['gpt-4o-mini'] }]);
    const { receipt, refusal } = await decide(admission({ keys }), request('r1'));
    assert.equal(refusal?.code, 'access_denied');
    assert.deepEqual([receipt?.teamId, receipt?.reservations], ['sample.engineering', []]);
    assert.deepEqual(await given.leases(store), []);
  });

  test('budget: the window, the moment, a receipt that reserves nothing, true headers', async () => {
    const by = admission(limited(150));
    await decide(by, request('r1'));
    await store.redis.command('FLUSHALL');
    await given.reset(store);
    const spent = given.snapshot({ team: [given.tokenLimit(150)] });
    const window = (await decide(by, request('r1'))).receipt?.reservations[0];
    assert.ok(window);
    await store.redis.command('HSET', store.keys(organizationId).counter(window), 'spent', 60, 'reserved', 0);
    const { receipt, refusal, headers, hits } = await decide(
      admission({ keys: directory([known], spent) }),
      request('r2'),
    );
    assert.equal(refusal?.code, 'budget_exceeded');
    assert.deepEqual(hits, { 'hard.team-tokens-1h': 1 });
    assert.equal(refusal?.retryAfterMs, window.windowEndMs - startedAtMs);
    assert.deepEqual(receipt?.reservations, []);
    assert.equal(headers['x-ratelimit-remaining-tokens'], '90');
  });

  test('slots: 429 of its own, free again when a request ends', async () => {
    const limits = [given.limit({ quantity: 'concurrency', amount: 1, window: '' })];
    const by = admission({ keys: directory([known], given.snapshot({ team: limits })) });
    const { receipt } = await decide(by, request('r1'));
    assert.ok(receipt);
    assert.equal((await decide(by, request('r2'))).refusal?.code, 'concurrency_exceeded');
    const ended = settlementOf(given.measured(receipt, 1, 1), 1, startedAtMs);
    assert.ok(ended);
    await store.settle(organizationId, [ended]);
    assert.equal((await decide(by, request('r2'))).refusal, undefined);
  });

  test('a request larger than its whole budget: without asking the store', async () => {
    const { refusal, hits } = await decide(admission(limited(99)), request('r1'));
    assert.equal(refusal?.code, 'request_exceeds_limit');
    assert.deepEqual(hits, { 'hard.team-tokens-1h': 1 });
    assert.deepEqual(await given.leases(store), []);
  });
});

describe('not decided', () => {
  const codeOf = async (by: Admission, of = request('r1')) => {
    try {
      const result = await by.handle(of);
      return result?.$case === 'error' ? result.value.code : 'decided';
    } catch (error) {
      assert.ok(error instanceof TollgateError);
      return error.code;
    }
  };

  test('a bucket that cannot be read is no 401', async () => {
    const keys = {
      ...directory([]),
      lookupKey: () => Promise.reject(new TollgateError('bus_unavailable')),
    };
    assert.equal(await codeOf(admission({ keys })), 'bus_unavailable');
  });

  test('a revision that never comes: told to a known key, and no harm done by an unknown one', async () => {
    const at = () => Promise.reject(new TollgateError('overloaded'));
    assert.equal(await codeOf(admission({ keys: { ...directory(), at } })), 'overloaded');
    // A rejection that nobody handles would end this process.
    assert.equal(await codeOf(admission({ keys: { ...directory([]), at } })), 'decided');
    await new Promise((resolve) => setImmediate(resolve));
  });

  test('a replica behind the bucket decides nothing: a key may have been revoked', async () => {
    assert.equal(await codeOf(admission({ keys: { ...directory(), stale: () => true } })), 'guard_unavailable');
  });

  test('counters that are not there yet: 503, and somebody is told', async () => {
    await store.redis.command('DEL', store.keys(organizationId).epoch);
    const told: string[] = [];
    assert.equal(await codeOf(admission({ onRebuilding: (id) => told.push(id) })), 'store_unavailable');
    assert.deepEqual(told, [organizationId]);
  });

  test('an admission that the store may have made is given to the releases', async () => {
    for (const [reason, uncertain] of [
      ['deadline', ['r1']],
      ['lost', ['r1']],
      ['away', []],
      ['breaker', []],
    ] as const) {
      const released: string[] = [];
      const broken = { reserve: () => Promise.reject(new StoreFault(reason, 'test')) } as unknown as BudgetStore;
      const by = admission({ store: broken, onUncertain: (_, id) => released.push(id) });
      assert.equal(await codeOf(by), 'store_unavailable');
      assert.deepEqual(released, uncertain, reason);
    }
  });

  test('a request that was released before', async () => {
    await store.release(organizationId, 'r1', false);
    assert.equal(await codeOf(admission()), 'guard_unavailable');
  });
});

describe('with an idempotency key', () => {
  const claim = (change: Partial<NonNullable<AuthCall['idempotency']>> = {}) => ({
    idempotency: { key: Uint8Array.of(1), body: Uint8Array.of(2), abandoned: '', ...change },
  });

  test('one request is admitted and reserves; a retry learns who, and reserves nothing', async () => {
    const by = admission(limited(100_000));
    const first = await decide(by, request('r1', claim()));
    assert.ok((first.receipt?.reservations.length ?? 0) > 0);
    assert.equal(first.idempotency, undefined);
    const before = await given.dump(store);
    const retry = await decide(by, request('r2', claim()));
    assert.deepEqual([retry.refusal, retry.receipt?.reservations, retry.receipt?.requestId], [undefined, [], 'r2']);
    assert.equal(retry.idempotency?.running, 'r1');
    assert.deepEqual(await given.dump(store), before);
    const again = await decide(by, request('r1', claim()));
    assert.deepEqual(again.receipt, first.receipt, 'asked of another replica it is admitted once');
  });

  test('another body is refused, whatever became of the call', async () => {
    const by = admission();
    await decide(by, request('r1', claim()));
    const { refusal, receipt } = await decide(by, request('r2', claim({ body: Uint8Array.of(3) })));
    assert.deepEqual([refusal?.code, refusal?.param], ['idempotency_mismatch', 'idempotency-key']);
    assert.deepEqual(receipt?.reservations, []);
  });

  test('what the budget refuses holds no key: it is admitted when there is room', async () => {
    const full = admission(limited(150));
    await decide(full, request('r0'));
    assert.equal((await decide(full, request('r1', claim()))).refusal?.code, 'rate_limit_exceeded');
    const { refusal, idempotency } = await decide(admission(limited(100_000)), request('r2', claim()));
    assert.deepEqual([refusal, idempotency], [undefined, undefined]);
  });

  test('a spent budget keeps nobody from an answer that is there', async () => {
    const kept = new IdempotencyStore(store.redis, { bytesMax: 1 << 20 });
    await decide(admission(limited(100_000)), request('r1', claim()));
    const { teamId } = known;
    const end = { requestId: 'r1', organizationId, teamId, key: Uint8Array.of(1), unkept: false };
    await kept.end({ ...end, answer: Uint8Array.of(7) });
    const full = admission(limited(150));
    assert.ok((await decide(full, request('r2'))).refusal);
    const retry = await decide(full, request('r2', claim()));
    assert.equal(retry.refusal, undefined);
    assert.deepEqual([retry.idempotency?.running, ...(retry.idempotency?.answer ?? [])], ['', 7]);
  });

  test('without the store nobody knows whether the call was made: not even a share of the limits helps', async () => {
    const idempotency = {
      claim: () => Promise.reject(new StoreFault('away', 'gone')),
      end: () => assert.fail('nothing is held'),
    };
    const result = await admission({ ...limited(100_000), idempotency }).handle(request('r1', claim()));
    assert.ok(result?.$case === 'error');
    assert.equal(result.value.code, 'store_unavailable');
  });
});
