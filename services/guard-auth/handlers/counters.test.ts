import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, beforeEach, test } from 'node:test';
import { payloadBytesMax } from '@tollgate/bus';
import type { ConfigSnapshot } from '@tollgate/config';
import { BudgetCountersReply, BudgetCountersRequest, UsageEvent } from '@tollgate/contracts';
import { startEngines, type TestEngines } from '@tollgate/testing/engines';
import type { BudgetStore } from '../adapters/budget-store.ts';
import { partAt } from '../domain/limit-windows.ts';
import { settlementOf } from '../domain/settlement.ts';
import * as given from '../testing/harness.ts';
import { Counters } from './counters.ts';

const empty = { spent: 0, reserved: 0, leased: 0, models: [], keys: [], selector: '' };
const selectorOf = (name: string, of = 'm') =>
  `${of}-${createHash('sha256').update(name).digest('base64url').slice(0, 12)}`;
const { logger, organizationId, startedAtMs } = given;
const hourMs = 3_600_000;
const windowStartMs = Math.floor(startedAtMs / hourMs) * hourMs;
const hour = given.reservation({ windowStartMs, windowEndMs: windowStartMs + hourMs });
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

async function ask(snapshot: ConfigSnapshot | undefined, skip = 0): Promise<BudgetCountersReply> {
  const counters = new Counters({ store, snapshot: () => snapshot, logger, now: () => startedAtMs });
  const bytes = await counters.answer(BudgetCountersRequest.encode({ skip }).finish());
  assert.ok(bytes.length <= payloadBytesMax, String(bytes.length));
  return BudgetCountersReply.decode(bytes);
}

test('the counters of every limit in the windows that run, with the floor of what is settled', async () => {
  const receipt = given.receipt('r1', [hour]);
  const settlement = settlementOf(given.measured(receipt, 30, 12), 7, startedAtMs);
  assert.ok(settlement);
  await store.settle(organizationId, [settlement]);
  await store.trim(organizationId, 7, 0);
  const ofOneModel = { ...given.tokenLimit(500), models: ['gpt-4o'] };
  const ofOneKey = { ...given.tokenLimit(300), keys: ['build'] };
  const ofEachUser = given.limit({ per: 'user', valuesMax: 10 });
  const slots = given.limit({ quantity: 'concurrency', amount: 4 });
  const soft = given.limit({ mode: 'soft', amount: 700 });
  const limits = {
    team: [given.tokenLimit(1000), soft, ofOneModel, ofOneKey, ofEachUser, slots],
    organization: [given.tokenLimit(9000)],
  };
  const { scope, scopeId, quantity, window, windowEndMs } = hour;
  assert.deepEqual(await ask(given.snapshot(limits)), {
    organizationId,
    counters: [
      {
        scope: 'organization',
        scopeId: organizationId,
        quantity,
        window,
        windowStartMs,
        windowEndMs,
        ...empty,
        limits: [{ amount: 9000, mode: 'hard' }],
      },
      {
        ...{ ...empty, scope, scopeId, quantity, window, windowStartMs, windowEndMs, spent: 42 },
        limits: [
          { amount: 1000, mode: 'hard' },
          { amount: 700, mode: 'soft' },
        ],
      },
      {
        ...{ ...empty, scope, scopeId, quantity, window, windowStartMs, windowEndMs },
        ...{ models: ['gpt-4o'], selector: selectorOf('gpt-4o'), limits: [{ amount: 500, mode: 'hard' }] },
      },
      {
        ...{ ...empty, scope, scopeId, quantity, window, windowStartMs, windowEndMs },
        ...{ keys: ['build'], selector: selectorOf('build', 'k'), limits: [{ amount: 300, mode: 'hard' }] },
      },
      {
        ...{ ...empty, scope, scopeId, quantity: 'concurrency', window, windowStartMs: 0, windowEndMs: 0 },
        limits: [{ amount: 4, mode: 'hard' }],
      },
    ],
    total: 5,
    floorSeq: 7,
    error: '',
  });
});

test('what is reserved, beside what the leases hold of it: they differ when one was forgotten', async () => {
  const slot = { quantity: 'concurrency', windowStartMs: 0, windowEndMs: 0 };
  const limits = [given.tokenLimit(1000), given.limit({ quantity: 'concurrency', amount: 4 })];
  const charges = [hour, given.reservation({ ...hour, ...slot, amount: 1 })];
  for (const id of ['r1', 'r2']) {
    const receipt = given.receipt(id, charges);
    const record = UsageEvent.encode(given.usageEvent(receipt)).finish();
    assert.equal(await store.renew(organizationId, [{ receipt, record }]), true);
  }
  const held = async () =>
    (await ask(given.snapshot({ team: limits }))).counters.map(({ reserved, leased }) => [reserved, leased]);
  assert.deepEqual(await held(), [
    [200, 200],
    [2, 2],
  ]);
  await store.redis.command('HDEL', store.keys(organizationId).receipts, 'r2');
  assert.deepEqual(await held(), [
    [200, 100],
    [2, 1],
  ]);
});

test('of a rolling window each part is told with the time whose usage it has; of rates nothing', async () => {
  const limits = [
    given.limit({ window: '24h', rolling: true }),
    given.limit({ quantity: 'requests', window: '1m', burst: 5, amount: 5 }),
  ];
  const { counters } = await ask(given.snapshot({ team: limits }));
  assert.deepEqual(new Set(counters.map(({ window }) => window)), new Set(['rolling-24h']));
  const times = counters.map(({ windowStartMs: startMs, windowEndMs: endMs }) => [startMs, endMs]);
  const { startMs } = partAt('24h', startedAtMs);
  const starts = Array.from({ length: 13 }, (_, at) => startMs - (12 - at) * 2 * hourMs);
  assert.deepEqual(
    times,
    starts.map((start) => [start, start + 2 * hourMs]),
  );
});

test('many limits come in pages that each fit into a message', async () => {
  const many = given.snapshot();
  const name = (number: number) => `${'n'.repeat(58)}-${number}`;
  const longNames = Array.from({ length: 32 }, (_, at) => `${'m'.repeat(125)}-${at}`);
  const [project] = many.projects;
  assert.ok(project);
  const teams = Array.from({ length: 1100 }, (_, at) => ({
    id: name(at),
    name: name(at),
    // A few with as many models as a limit may have, of the longest names.
    limits: [at % 10 === 0 ? given.limit({ models: longNames }) : given.tokenLimit(at + 1)],
  }));
  const snapshot = { ...many, projects: [{ ...project, teams }] };
  const seen: string[] = [];
  for (let total = 1; seen.length < total; ) {
    const reply = await ask(snapshot, seen.length);
    total = reply.total;
    seen.push(...reply.counters.map(({ scopeId }) => scopeId));
  }
  assert.deepEqual(
    seen,
    teams.map(({ id }) => id),
  );
});

test('while the counters are not those of this server there are none to compare', async () => {
  await store.redis.command('SET', store.keys(organizationId).epoch, 'another server');
  assert.match((await ask(given.snapshot({ team: [given.tokenLimit(1000)] }))).error, /rebuilt/);
  assert.match((await ask(undefined)).error, /configuration/);
});
