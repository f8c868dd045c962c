import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import type { ConfigSnapshot, Limit } from '@tollgate/config';
import { createMetrics } from '@tollgate/telemetry';
import { startEngines, type TestEngines } from '@tollgate/testing/engines';
import type { BudgetStore } from '../adapters/budget-store.ts';
import { ProbeStore } from '../adapters/probe-store.ts';
import type { CounterState } from '../domain/charge.ts';
import type { Plan } from '../domain/plan.ts';
import * as given from '../testing/harness.ts';
import { SelfCheck, type SelfCheckOptions } from './self-check.ts';

const { limit, logger, startedAtMs } = given;
let engines: TestEngines;
let budgets: BudgetStore;
let probes: ProbeStore;

before(async () => {
  engines = await startEngines({ only: ['redis'] });
  budgets = await given.connectStore(engines.redis.url);
  probes = new ProbeStore(budgets.redis, 'replica-1');
});
after(async () => {
  budgets.redis.close();
  await engines.close();
});
beforeEach(() => given.reset(budgets));

function selfCheck(snapshot: () => ConfigSnapshot, store: SelfCheckOptions['store'] = probes): SelfCheck {
  return new SelfCheck({ store, snapshot, logger, metrics: createMetrics('test'), now: () => startedAtMs });
}

const quantities: Limit['quantity'][] = ['tokens', 'prompt_tokens', 'completion_tokens', 'cost_nano_usd', 'requests'];
const everyKind: Limit[] = [
  ...quantities.map((quantity) => limit({ quantity, amount: 1 })),
  limit({ quantity: 'concurrency', window: '', amount: 2 }),
  limit({ quantity: 'cost_nano_usd', amount: 9_000_000 * 1e9, window: '1y' }),
  limit({ amount: 700, timeZone: 'Atlantic/Reykjavik' }),
  limit({ models: ['gpt-4o-mini'], window: '90m' }),
  limit({ keys: ['build'] }),
  limit({ keys: ['build', 'nightly'], per: 'key', valuesMax: 2 }),
  limit({ per: 'user', valuesMax: 1 }),
  limit({ per: 'metadata.app', valuesMax: 5, window: '7d' }),
  limit({ per: 'key', quantity: 'concurrency', window: '' }),
  ...quantities.slice(0, 4).map((quantity) => limit({ quantity, amount: 1, window: '7h', mode: 'strict' })),
  limit({ mode: 'strict', amount: 500 }),
  limit({ mode: 'strict', per: 'user', valuesMax: 1, window: '1d' }),
  limit({ mode: 'soft', window: '1d' }),
  limit({ mode: 'shadow', quantity: 'concurrency', window: '' }),
  ...(['tokens', 'prompt_tokens', 'completion_tokens', 'requests'] as const).map((quantity) =>
    limit({ quantity, amount: 1, window: '1m', burst: 1 }),
  ),
  limit({ quantity: 'tokens', amount: 5e10, burst: 5e10, window: '1s' }),
  limit({ quantity: 'requests', amount: 600, burst: 10, window: '1m', per: 'user', valuesMax: 1 }),
  limit({ quantity: 'requests', amount: 600, burst: 10, window: '1m', mode: 'soft' }),
  limit({ quantity: 'requests', amount: 600, burst: 10, window: '1m', mode: 'shadow' }),
  limit({ rolling: true, window: '24h' }),
  limit({ rolling: true, window: '1m', amount: 1 }),
  limit({ rolling: true, window: '360d', quantity: 'cost_nano_usd', amount: 9_000_000 * 1e9 }),
  limit({ rolling: true, window: '24h', per: 'user', valuesMax: 1 }),
  limit({ rolling: true, window: '24h', mode: 'soft' }),
];

test('every kind of limit of every scope is proven, and no counter of anybody is touched', async () => {
  const snapshot = given.snapshot({ team: everyKind, project: structuredClone(everyKind), organization: [limit({})] });
  const charges = [{ reservation: given.reservation(), limit: 1000 }];
  const record = new Uint8Array();
  await budgets.reserve(given.organizationId, { requestId: 'running', startedAtMs, charges, record });
  const before = await given.dump(budgets);
  const check = selfCheck(() => snapshot);
  assert.equal(check.state(), 'limits are not proven yet');
  await check.work();
  assert.equal(check.state(), true);
  assert.deepEqual(await given.dump(budgets), before);
});

test('a limit that the store does not hold is told by name, and no other', async () => {
  const limits = { team: [limit({}), limit({ quantity: 'requests' }), limit({ mode: 'soft', window: '1d' })] };
  const leaky: SelfCheckOptions['store'] = {
    runId: budgets.redis.runId,
    admit: (organizationId, plan, counters, nowMs) => {
      const charges = plan.charges.map((charge) =>
        charge.reservation.quantity === 'requests' ? { ...charge, limit: Number.MAX_SAFE_INTEGER } : charge,
      );
      return probes.admit(organizationId, { ...plan, charges }, counters, nowMs);
    },
  };
  const check = selfCheck(() => given.snapshot(limits), leaky);
  await check.work();
  assert.equal(check.state(), 'team-requests-1h of team sample.engineering does not refuse when it is used up');
});

test('a strict limit that the script does not keep is told by name', async () => {
  const limits = { team: [limit({ mode: 'strict' }), limit({ mode: 'strict', quantity: 'cost_nano_usd' })] };
  const leaky: SelfCheckOptions['store'] = {
    runId: budgets.redis.runId,
    admit: (organizationId, plan, counters, nowMs) => {
      const charges = plan.charges.map((charge) =>
        charge.reservation.quantity === 'tokens' ? { ...charge, part: { fixed: 0, unit: 0 } } : charge,
      );
      return probes.admit(organizationId, { ...plan, charges }, counters, nowMs);
    },
  };
  const check = selfCheck(() => given.snapshot(limits), leaky);
  await check.work();
  assert.equal(check.state(), 'team-tokens-1h of team sample.engineering does not refuse when it is used up');
});

test('counters that are not kept are seen, of limits that refuse nobody too', async () => {
  const limits = { team: [limit({}), limit({ mode: 'soft', window: '1d' })] };
  const forgetful: SelfCheckOptions['store'] = {
    runId: budgets.redis.runId,
    admit: (organizationId, plan, _, nowMs) => probes.admit(organizationId, plan, new Map(), nowMs),
  };
  const check = selfCheck(() => given.snapshot(limits), forgetful);
  await check.work();
  assert.equal(
    check.state(),
    'team-tokens-1h of team sample.engineering does not refuse when it is used up; ' +
      'team-tokens-1d of team sample.engineering is passed unseen',
  );
});

test('a rolling window whose older parts are not read, and a rate that lets all pass, are told', async () => {
  const limits = {
    team: [
      limit({ rolling: true, window: '24h' }),
      limit({ quantity: 'requests', amount: 60, burst: 5, window: '1m' }),
      limit({ quantity: 'requests', amount: 60, burst: 5, window: '1m', mode: 'soft' }),
    ],
  };
  const leaky: SelfCheckOptions['store'] = {
    runId: budgets.redis.runId,
    admit: (organizationId, plan, counters, nowMs) => {
      const charges = plan.charges.map((charge) => ({
        ...charge,
        ...(charge.rate && { rate: { ...charge.rate, burst: 6 }, limit: Math.max(6, charge.limit) }),
      }));
      return probes.admit(organizationId, { ...plan, charges }, halfSeen(plan, counters), nowMs);
    },
  };
  const check = selfCheck(() => given.snapshot(limits), leaky);
  await check.work();
  assert.equal(
    check.state(),
    'team-tokens-rolling-24h of team sample.engineering does not refuse when it is used up; ' +
      'team-requests-1m of team sample.engineering does not refuse when it is used up; ' +
      'team-requests-1m of team sample.engineering is passed unseen',
  );
});

/** As if half of what a rolling window has stood in a part that nobody reads. */
function halfSeen(plan: Plan, counters: ReadonlyMap<number, CounterState>): ReadonlyMap<number, CounterState> {
  const seen = ([place, state]: [number, CounterState]): [number, CounterState] =>
    plan.charges[place]?.rolling ? [place, { ...state, spent: Math.floor(state.spent / 2) }] : [place, state];
  return new Map([...counters].map(seen));
}

test('what a failed limit is to refuse is known by team, key and model; what it does not bind, and limits that refuse nobody, are not', async () => {
  const team = { projectId: 'sample', teamId: 'sample.engineering', name: 'test-key' };
  const leaky: SelfCheckOptions['store'] = {
    runId: budgets.redis.runId,
    admit: async (_, { charges }) => ({
      outcome: 'admitted',
      counters: charges.map(() => ({ spent: 0, reserved: 0 })),
    }),
  };
  const limits = [limit({ models: ['gpt-4o'] }), limit({ mode: 'soft', window: '1d' })];
  const check = selfCheck(() => given.snapshot({ team: limits }), leaky);
  assert.equal(check.unproven(team, ['gpt-4o']), undefined);
  await check.work();
  assert.equal(check.unproven(team, ['gpt-4o', 'gpt-4o-mini'])?.limit.quantity, 'tokens');
  assert.equal(check.unproven(team, ['gpt-4o-mini']), undefined);
  assert.equal(check.unproven({ ...team, projectId: 'other', teamId: 'other.team' }, ['gpt-4o']), undefined);
  const ofKey = selfCheck(() => given.snapshot({ team: [limit({ keys: ['build'] })] }), leaky);
  await ofKey.work();
  assert.equal(ofKey.unproven({ ...team, name: 'build' }, ['gpt-4o'])?.limit.quantity, 'tokens');
  assert.equal(ofKey.unproven(team, ['gpt-4o']), undefined);
  for (const scope of ['project', 'organization']) {
    const wider = selfCheck(() => given.snapshot({ [scope]: limits }), leaky);
    await wider.work();
    assert.equal(wider.unproven(team, ['gpt-4o'])?.scope, scope);
  }
});

test('each revision is proven once, on each server', async () => {
  const snapshot = given.snapshot({ team: [limit({})] });
  let revision = 1;
  let server = 'one';
  let probed = 0;
  const counting: SelfCheckOptions['store'] = {
    get runId() {
      return server;
    },
    admit: (...of) => {
      probed++;
      return probes.admit(...of);
    },
  };
  const check = selfCheck(() => ({ ...snapshot, revision }), counting);
  await check.work();
  await check.work();
  assert.equal(probed, 2);
  revision = 2;
  await check.work();
  assert.equal(probed, 4);
  server = '';
  await check.work();
  assert.equal(probed, 4);
  server = 'another';
  await check.work();
  assert.equal(probed, 6);
});
