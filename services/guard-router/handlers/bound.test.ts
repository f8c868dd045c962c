import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import {
  type ConfigSnapshot,
  findProxy,
  type IssuedResponse,
  type ProxySettings,
  parseConfigFile,
  ResponseIds,
  resolveConfig,
} from '@tollgate/config';
import type { Wish } from '../adapters/choice-store.ts';
import type { Choice } from '../domain/choice.ts';
import type { Plan } from '../domain/plan.ts';
import { BoundRoutes } from './bound.ts';

const nowMs = 1_700_000_000_000;
const example = readFileSync(new URL('../../../packages/config/fixtures/example.yaml', import.meta.url), 'utf8');
const snapshot = resolveConfig(parseConfigFile(example), 1, nowMs);
const ids = new ResponseIds(['a-secret-of-the-tests-and-of-nobody']);
const teamId = 'sample-project.product';
const issued = { provider: 'azure-openai', model: 'gpt-4o-mini', providerId: 'resp_1', borrowed: false };
const healthy = { untilMs: 0, probedUntilMs: 0 };
const restingFor = (ms: number) => ({ untilMs: nowMs + ms, probedUntilMs: 0 });

interface Given {
  /** What the store chose of the former model and the other; undefined: it is away. */
  choice?: Partial<Choice>;
  action?: string;
  regions?: string[];
  /** By name; else the rotation decides. */
  model?: string;
  of?: ConfigSnapshot;
  response?: IssuedResponse;
}

async function goOn({ choice, action = '', regions, model = '', of = snapshot, response = issued }: Given) {
  let faults = 0;
  const asked: { plan: Plan; wish: Wish }[] = [];
  const none = { position: 0, probe: false, standings: [healthy, healthy], roomAtMs: [0, 0], loads: [0, 0] };
  const routes = new BoundRoutes({
    ids,
    choices: {
      choose: async (_organization: string, _proxy: string, plan: Plan, wish: Wish) => {
        asked.push({ plan, wish });
        return choice ? { ...none, ...choice } : Promise.reject(new Error('away'));
      },
    },
    now: () => nowMs,
    onStoreFault: () => faults++,
  });
  const affinity = { teamId, responseId: ids.seal(teamId, response), contentMarks: [], itemIds: [], action };
  const team = regions && { id: teamId, name: 'product', limits: [], regions };
  const call = { model, startedAtMs: nowMs, teamId, promptTokens: 30, completionTokens: 20, stream: true };
  const found = findProxy(of, '') as ProxySettings;
  const route = await routes.route({ requestId: 'r', snapshot: of, proxy: found, call, team }, affinity);
  const models = route.targets.map((target) => (target.probe ? `${target.model}?` : target.model));
  return { ...route, models, faults, asked };
}

test('the former model, the other one at the same resource as its failover', async () => {
  const route = await goOn({ choice: {} });
  assert.deepEqual(route.models, ['gpt-4o-mini', 'gpt-4o']);
  assert.equal(route.providerResponseId, 'resp_1');
  const other = await goOn({ choice: { position: 1, standings: [restingFor(1000), healthy] } });
  assert.deepEqual(other.models, ['gpt-4o']);
});

test('it is counted where it goes: as one that has no other place, for its tokens, in the order in which it wants', async () => {
  const { asked } = await goOn({ choice: {} });
  const [{ plan, wish } = assert.fail('the store was not asked')] = asked;
  assert.deepEqual(plan.ids, ['azure-openai/gpt-4o-mini', 'azure-openai/gpt-4o']);
  const { requestId, bound, named, ranks, tokens, stream } = wish;
  assert.deepEqual([requestId, bound, named, ranks, tokens, stream], ['r', true, false, [0, 1], 50, true]);
});

test('what others choose by is told of it, too', async () => {
  const named = (name: string, rpm = '') => `{ name: ${name}, deployment: ${name}, baseModel: gpt-4o${rpm} }`;
  const models = `[gpt-4o, { name: gpt-4o-mini, rpm: 60 }, ${named('counted', ', rpm: 6')}, ${named('free')}]`;
  const limited = example
    .replace('models: [gpt-4o, gpt-4o-mini]', `models: ${models}`)
    .replace('strategy: round-robin', 'strategy: least-busy');
  const of = resolveConfig(parseConfigFile(limited), 2, nowMs);
  const { targets, asked } = await goOn({ choice: {}, of });
  assert.deepEqual(
    targets.map(({ tellStart, tellEnd }) => tellStart && tellEnd),
    [true, true],
  );
  assert.deepEqual(asked[0]?.plan.quotas, [
    { rpm: 60, tpm: 0 },
    { rpm: 0, tpm: 0 },
  ]);
  // Not in the rotation's list: asked for by name.
  const one = { standings: [healthy], roomAtMs: [0], loads: [0] };
  const counted = await goOn({ choice: one, of, model: 'counted' });
  assert.deepEqual([counted.models, counted.attemptsMax, counted.asked[0]?.wish.named], [['counted'], 1, true]);
  const free = await goOn({ of, model: 'free' });
  assert.deepEqual([free.models, free.asked], [['free'], []], 'where nothing is counted nobody is asked');
});

test('a suspension that has run out is probed', async () => {
  const route = await goOn({ choice: { probe: true, standings: [restingFor(-1), restingFor(1000)] } });
  assert.deepEqual(route.models, ['gpt-4o-mini?']);
});

test('the resource is suspended: a clear 503 with the moment at which it is tried again', async () => {
  const standings = [restingFor(30_000), restingFor(20_000)];
  const { refusal, models } = await goOn({ choice: { position: -1, standings } });
  assert.deepEqual(models, []);
  assert.equal(refusal?.code, 'all_models_suspended');
  assert.equal(refusal.retryAfterMs, 20_000);
  assert.match(refusal.message, /keeps this conversation/);
});

test('without the store it is tried', async () => {
  const route = await goOn({});
  assert.deepEqual(route.models, ['gpt-4o-mini', 'gpt-4o']);
  assert.equal(route.faults, 1);
});

test('reading asks no store, and goes to the one that keeps it', async () => {
  const route = await goOn({ action: 'retrieve' });
  assert.deepEqual([route.models, route.attemptsMax, route.faults], [['gpt-4o-mini'], 1, 0]);
  assert.equal(route.providerResponseId, 'resp_1');
});

test('a team that is bound to other regions goes on from nothing and reads nothing there', async () => {
  for (const action of ['', 'retrieve']) {
    const { refusal, models } = await goOn({ choice: {}, action, regions: ['asia'] });
    assert.deepEqual([refusal?.code, models], ['access_denied', []]);
  }
});

test('one of the background is upstream’s to find: by its id at once, gone on from only when it is known what it is kept as', async () => {
  const background = { ...issued, providerId: 'req_1', background: true } as const;
  const read = await goOn({ action: 'retrieve', response: background });
  assert.deepEqual([read.models, read.background, read.providerResponseId], [['gpt-4o-mini'], true, 'req_1']);
  const next = await goOn({ choice: {}, response: background });
  assert.deepEqual([next.models, next.background, next.providerResponseId], [[], true, 'req_1']);
  assert.equal(
    (await goOn({ action: 'retrieve', regions: ['asia'], response: background })).refusal?.code,
    'access_denied',
  );
  assert.equal((await goOn({ action: 'retrieve' })).background, undefined);
});
