import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { parseConfigFile, resolveConfig } from '@tollgate/config';
import type { RouteCall, RouteResult } from '@tollgate/contracts';
import { createLogger } from '@tollgate/telemetry';
import type { ChoiceStore, Wish } from '../adapters/choice-store.ts';
import type { RotationStore, Turn } from '../adapters/rotation-store.ts';
import type { Choice } from '../domain/choice.ts';
import { Router } from './route.ts';

const nowMs = 1_700_000_000_000;
const demo = readFileSync(new URL('../../../packages/config/fixtures/example.yaml', import.meta.url), 'utf8');
const away = () => Promise.reject(new Error('away'));

interface Said {
  turns?: (Turn | undefined)[];
  choices?: (Choice | undefined)[];
  /** What the store was asked. */
  wishes?: Wish[];
}

/** A router over this configuration whose stores say these in turn, or (undefined) are away. */
function routerOf(said: Said, text = demo) {
  const snapshot = resolveConfig(parseConfigFile(text), 1, nowMs);
  const { turns = [], choices = [], wishes = [] } = said;
  const choose: ChoiceStore['choose'] = async (_organization, _proxy, _plan, wish) => {
    wishes.push(wish);
    return choices.shift() ?? away();
  };
  const router = new Router({
    config: { at: () => snapshot },
    store: { next: async () => turns.shift() ?? away() } as unknown as RotationStore,
    choices: { choose },
    bound: { route: () => assert.fail('nothing here is bound') },
    logger: createLogger({ service: 'test', replica: 'test', level: 'silent' }),
    now: () => nowMs,
    random: () => 0,
    onStoreFault: () => {},
  });
  return async (call: Partial<RouteCall> = {}): Promise<RouteResult> => {
    const result = await router.handle({
      id: 0,
      requestId: 'r',
      timeoutMs: 1000,
      revision: 1,
      proxy: 'sample-project.enterprise-llm-proxy',
      guardrail: 2,
      call: { $case: 'route', value: { model: '', startedAtMs: nowMs, ...call } },
    });
    assert.equal(result.$case, 'route');
    return result.value as RouteResult;
  };
}

const healthy = { untilMs: 0, probedUntilMs: 0 };
const restingFor = (ms: number) => ({ untilMs: nowMs + ms, probedUntilMs: 0 });
const models = ({ targets }: RouteResult) => targets.map(({ model }) => model);

test('the model whose turn it is, then its failovers', async () => {
  const standings = [healthy, healthy];
  const route = routerOf({ turns: [0, 1].map((position) => ({ position, probe: false, standings })) });
  assert.deepEqual(models(await route()), ['gpt-4o', 'gpt-4o-mini']);
  assert.deepEqual(models(await route()), ['gpt-4o-mini', 'gpt-4o']);
});

test('all suspended: all_models_suspended, with the soonest moment at which one is tried again', async () => {
  const standings = [restingFor(30_000), restingFor(20_000)];
  const { refusal } = await routerOf({ turns: [{ position: -1, probe: false, standings }] })();
  assert.equal(refusal?.code, 'all_models_suspended');
  assert.equal(refusal?.retryAfterMs, 20_000);
});

test('without the store: the last that it said counts on', async () => {
  const resting: Turn = { position: -1, probe: false, standings: [restingFor(30_000), restingFor(20_000)] };
  const all = routerOf({ turns: [resting, undefined] });
  await all();
  assert.equal((await all()).refusal?.code, 'all_models_suspended');
  const one = routerOf({ turns: [{ position: 0, probe: false, standings: [healthy, restingFor(20_000)] }, undefined] });
  await one();
  assert.deepEqual(models(await one()), ['gpt-4o']);
});

describe('strategies', () => {
  const by = (strategy: string) => demo.replace('strategy: round-robin', `strategy: ${strategy}`);
  const chosen = (change: Partial<Choice>): Choice => ({
    ...{ position: 0, probe: false, standings: [healthy, healthy], roomAtMs: [0, 0], loads: [0, 0], ...change },
  });

  test('the chosen one first, as many attempts as configured', async () => {
    const route = routerOf({ choices: [chosen({ position: 1, probe: true })] }, by('least-busy'));
    const { targets, attemptsMax } = await route();
    assert.equal(attemptsMax, 3);
    assert.deepEqual(
      targets.map(({ model, probe, tellEnd }) => [model, probe, tellEnd]),
      [
        ['gpt-4o-mini', true, true],
        ['gpt-4o', false, true],
      ],
    );
  });

  test('a prompt cache is a matter of choice in round robin, too', async () => {
    const wishes: Wish[] = [];
    const route = routerOf({ wishes, choices: [chosen({ position: 1 })] });
    assert.deepEqual(models(await route({ promptCache: 0 })), ['gpt-4o-mini', 'gpt-4o']);
    assert.equal(wishes[0]?.promptCache, 0);
  });

  test('all full: upstream_rate_limited, with the moment at which one has room', async () => {
    const full = chosen({ position: -1, standings: [healthy, restingFor(9000)], roomAtMs: [nowMs + 2345, 0] });
    const { refusal } = await routerOf({ choices: [full] }, by('priority'))();
    assert.equal(refusal?.code, 'upstream_rate_limited');
    assert.equal(refusal?.retryAfterMs, 2345);
    assert.match(refusal?.message ?? '', /rpm, tpm/);
  });

  test('without the store: turns, in the order of the list, by price', async () => {
    for (const [strategy, expected] of [
      ['least-latency', ['gpt-4o', 'gpt-4o-mini', 'gpt-4o']],
      ['priority', ['gpt-4o', 'gpt-4o', 'gpt-4o']],
      ['lowest-cost', ['gpt-4o-mini', 'gpt-4o-mini', 'gpt-4o-mini']],
    ] as const) {
      const route = routerOf({}, by(strategy));
      const found = [await route(), await route(), await route()];
      assert.deepEqual(
        found.map(models).map(([first]) => first),
        expected,
        strategy,
      );
      assert.ok(found.every(({ targets }) => targets.length === 2));
    }
  });

  test('a model asked for by name: its rate alone refuses it, and without the store nothing does', async () => {
    const limited = demo.replace('gpt-4o-mini]', 'gpt-4o-mini, { name: fast, baseModel: gpt-4o, rpm: 6 }]');
    const one = { standings: [healthy], loads: [0] };
    const full = chosen({ position: -1, ...one, roomAtMs: [nowMs + 5000] });
    const wishes: Wish[] = [];
    const route = routerOf({ wishes, choices: [chosen({ ...one, roomAtMs: [0] }), full, undefined] }, limited);
    assert.deepEqual(models(await route({ model: 'fast', promptCache: 5 })), ['fast']);
    assert.deepEqual([wishes[0]?.named, wishes[0]?.promptCache], [true, undefined]);
    assert.equal((await route({ model: 'fast' })).refusal?.code, 'upstream_rate_limited');
    assert.deepEqual(models(await route({ model: 'fast' })), ['fast']);
  });
});

describe('regions of a team', () => {
  const text = demo
    .replace(
      'models: [gpt-4o, gpt-4o-mini]',
      'models: [{ name: gpt-4o, region: eu }, { name: gpt-4o-mini, region: us }, { name: fast, baseModel: gpt-4o, region: us }]',
    )
    .replace('- name: product', '- { name: product, regions: [eu] }')
    .replace('- name: sales', '- { name: sales, regions: [asia] }')
    .replace('projects:', '  - { name: far, type: openai, region: asia, models: [gpt-4o] }\nprojects:');
  const teamId = (team: string) => `sample-project.${team}`;

  test('leave only what is inside, for turns and failovers', async () => {
    const route = routerOf({}, text);
    const found = [await route({ teamId: teamId('product') }), await route({ teamId: teamId('product') })];
    assert.deepEqual(found.map(models), [['gpt-4o'], ['gpt-4o']]);
    assert.equal((await route({ teamId: teamId('engineering') })).targets.length, 2);
  });

  test('hold for models asked for by name', async () => {
    const route = routerOf({}, text);
    const refused = await route({ teamId: teamId('product'), model: 'fast' });
    assert.equal(refused.refusal?.code, 'access_denied');
    assert.match(refused.refusal?.message ?? '', /team product may only go to the regions eu/);
    assert.deepEqual(models(await route({ teamId: teamId('engineering'), model: 'fast' })), ['fast']);
  });

  test('nothing inside: access_denied', async () => {
    const { refusal, targets } = await routerOf({}, text)({ teamId: teamId('sales') });
    assert.deepEqual([refusal?.code, targets], ['access_denied', []]);
  });

  test('whose team nobody tells is not routed, where any team has regions', async () => {
    await assert.rejects(routerOf({}, text)(), { code: 'guard_unavailable' });
    await assert.rejects(routerOf({}, text)({ teamId: teamId('gone') }), { code: 'guard_unavailable' });
  });
});
