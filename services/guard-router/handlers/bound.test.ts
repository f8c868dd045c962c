import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import {
  findProxy,
  type IssuedResponse,
  type ProxySettings,
  parseConfigFile,
  ResponseIds,
  resolveConfig,
} from '@tollgate/config';
import type { StandingStore, Standings } from '../adapters/standing-store.ts';
import { BoundRoutes } from './bound.ts';

const nowMs = 1_700_000_000_000;
const example = readFileSync(new URL('../../../packages/config/fixtures/example.yaml', import.meta.url), 'utf8');
const snapshot = resolveConfig(parseConfigFile(example), 1, nowMs);
const proxy = findProxy(snapshot, '') as ProxySettings;
const ids = new ResponseIds(['a-secret-of-the-tests-and-of-nobody']);
const teamId = 'sample-project.product';
const issued = { provider: 'azure-openai', model: 'gpt-4o-mini', providerId: 'resp_1', borrowed: false };
const healthy = { untilMs: 0, probedUntilMs: 0 };
const restingFor = (ms: number) => ({ untilMs: nowMs + ms, probedUntilMs: 0 });

/** What a second turn gets when the store answers `standings` of its former model and the other, or (undefined) is away. */
async function goOn(
  standings: Standings | undefined,
  action = '',
  regions?: string[],
  response: IssuedResponse = issued,
) {
  let faults = 0;
  const read = async () => standings ?? Promise.reject(new Error('away'));
  const routes = new BoundRoutes({
    ids,
    store: { read } as unknown as StandingStore,
    now: () => nowMs,
    onStoreFault: () => faults++,
  });
  const affinity = { teamId, responseId: ids.seal(teamId, response), contentMarks: [], action };
  const team = regions && { id: teamId, name: 'product', limits: [], regions };
  const call = { model: '', startedAtMs: nowMs };
  const route = await routes.route({ snapshot, proxy, call, team }, affinity);
  return { ...route, models: route.targets.map(({ model, probe }) => (probe ? `${model}?` : model)), faults };
}

test('the former model, the other one at the same resource as its failover', async () => {
  const route = await goOn({ probe: false, standings: [healthy, healthy] });
  assert.deepEqual(route.models, ['gpt-4o-mini', 'gpt-4o']);
  assert.equal(route.providerResponseId, 'resp_1');
  assert.deepEqual((await goOn({ probe: false, standings: [restingFor(1000), healthy] })).models, ['gpt-4o']);
});

test('a suspension that has run out is probed', async () => {
  const route = await goOn({ probe: true, standings: [restingFor(-1), restingFor(1000)] });
  assert.deepEqual(route.models, ['gpt-4o-mini?']);
});

test('the resource is suspended: a clear 503 with the moment at which it is tried again', async () => {
  const { refusal, models } = await goOn({ probe: false, standings: [restingFor(30_000), restingFor(20_000)] });
  assert.deepEqual(models, []);
  assert.equal(refusal?.code, 'all_models_suspended');
  assert.equal(refusal.retryAfterMs, 20_000);
  assert.match(refusal.message, /keeps this conversation/);
});

test('without the store it is tried', async () => {
  const route = await goOn(undefined);
  assert.deepEqual(route.models, ['gpt-4o-mini', 'gpt-4o']);
  assert.equal(route.faults, 1);
});

test('reading asks no store, and goes to the one that keeps it', async () => {
  const route = await goOn(undefined, 'retrieve');
  assert.deepEqual([route.models, route.attemptsMax, route.faults], [['gpt-4o-mini'], 1, 0]);
  assert.equal(route.providerResponseId, 'resp_1');
});

test('a team that is bound to other regions goes on from nothing and reads nothing there', async () => {
  for (const action of ['', 'retrieve']) {
    const { refusal, models } = await goOn({ probe: false, standings: [healthy, healthy] }, action, ['asia']);
    assert.deepEqual([refusal?.code, models], ['access_denied', []]);
  }
});

test('one of the background is upstream’s to find: by its id at once, gone on from only when it is known what it is kept as', async () => {
  const background = { ...issued, providerId: 'req_1', background: true } as const;
  const read = await goOn(undefined, 'retrieve', undefined, background);
  assert.deepEqual([read.models, read.background, read.providerResponseId], [['gpt-4o-mini'], true, 'req_1']);
  const next = await goOn({ probe: false, standings: [healthy, healthy] }, '', undefined, background);
  assert.deepEqual([next.models, next.background, next.providerResponseId], [[], true, 'req_1']);
  assert.equal((await goOn(undefined, 'retrieve', ['asia'], background)).refusal?.code, 'access_denied');
  assert.equal((await goOn(undefined, 'retrieve')).background, undefined);
});
