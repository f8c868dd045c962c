import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { findTarget, parseConfigFile, proxyById, resolveConfig, resolveModel, rotationOf } from '@tollgate/config';
import { Surface } from '@tollgate/contracts';
import { namedPlan, type Plan, planOf } from './plan.ts';
import { expectedOf, ranksOf } from './ranks.ts';

const example = readFileSync(new URL('../../../packages/config/fixtures/example.yaml', import.meta.url), 'utf8');

/** The example's rotation over three models in two regions and one of none. */
function configured(rotation: string, regions?: string[], models = '') {
  const text = example
    .replace(
      'models: [gpt-4o, gpt-4o-mini]',
      `models: [{ name: gpt-4o, region: westeurope${models} }, { name: gpt-4o-mini, region: eastus }, { name: other, baseModel: gpt-4o }]`,
    )
    .replace(/\{ strategy: [\s\S]*$/, `{ ${rotation} }\n`);
  const snapshot = resolveConfig(parseConfigFile(text), 1, 0);
  const proxy = proxyById(snapshot, 'sample-project.enterprise-llm-proxy');
  const settings = proxy && rotationOf(proxy);
  assert.ok(proxy && settings);
  const resolved = resolveModel(snapshot, proxy, '');
  assert.ok(resolved.kind === 'rotation');
  return { snapshot, plan: planOf(snapshot, settings, resolved.targets, regions) };
}

const all = 'models: [{ model: gpt-4o }, { model: gpt-4o-mini }, { model: other }]';
const names = ({ targets }: Plan) => targets.map(({ model }) => model);

test('regions are a hard filter, and a model of no known region is in none', () => {
  assert.deepEqual(names(configured(all).plan), ['gpt-4o', 'gpt-4o-mini', 'other']);
  assert.deepEqual(names(configured(all, ['eastus', 'westeurope']).plan), ['gpt-4o', 'gpt-4o-mini']);
  assert.deepEqual(names(configured(all, ['westeurope']).plan), ['gpt-4o']);
  assert.deepEqual(names(configured(all, ['northeurope']).plan), []);
});

test('a surface that only some of the providers serve has a list of its own, with its weights', () => {
  const claude = '  - { name: second, type: anthropic, models: [{ name: claude, baseModel: gpt-4o }] }\nprojects:';
  const rotation =
    'strategy: weighted, models: [{ model: gpt-4o, weight: 5 }, { model: claude, provider: second, weight: 3 }]';
  const text = example.replace('projects:', claude).replace(/\{ strategy: [\s\S]*$/, `{ ${rotation} }\n`);
  const snapshot = resolveConfig(parseConfigFile(text), 1, 0);
  const proxy = proxyById(snapshot, 'sample-project.enterprise-llm-proxy');
  const settings = proxy && rotationOf(proxy);
  assert.ok(proxy && settings);
  const resolved = resolveModel(snapshot, proxy, '');
  assert.ok(resolved.kind === 'rotation');
  const plan = (surface: Surface) => planOf(snapshot, settings, resolved.targets, undefined, surface);
  const messages = plan(Surface.MESSAGES);
  assert.deepEqual([names(messages), messages.weights], [['claude'], [3]]);
  assert.deepEqual(names(plan(Surface.EMBEDDINGS)), ['gpt-4o']);
  assert.notEqual(messages.list, plan(Surface.EMBEDDINGS).list);
  assert.equal(plan(Surface.MESSAGES), messages, 'worked out once');
});

test('another list has turns of its own, the same one shares them', () => {
  const lists = [undefined, ['westeurope'], ['eastus'], ['westeurope', 'nowhere']].map((regions) => {
    return configured(all, regions).plan.list;
  });
  assert.equal(lists[0], '');
  assert.notEqual(lists[1], lists[2]);
  assert.equal(lists[1], lists[3]);
});

test('weights stay with their models when some are left out; changed, they begin anew', () => {
  const weighted = (third: number) =>
    `strategy: weighted, models: [{ model: gpt-4o, weight: 5 }, { model: gpt-4o-mini }, { model: other, weight: ${third} }]`;
  assert.deepEqual(configured(weighted(3)).plan.weights, [5, 1, 3]);
  assert.deepEqual(configured(weighted(3), ['eastus']).plan.weights, [1]);
  assert.notEqual(configured(weighted(3)).plan.list, configured(weighted(4)).plan.list);
});

test('who calls a target is asked to tell what the strategy and the rates go by, and nothing else', () => {
  const telling = (rotation: string, models = '') =>
    configured(rotation, undefined, models).plan.targets.map(({ tellStart = false, tellEnd = false }) => [
      tellStart,
      tellEnd,
    ]);
  const none = [false, false];
  for (const strategy of ['round-robin', 'weighted', 'lowest-cost', 'priority']) {
    assert.deepEqual(telling(`strategy: ${strategy}, ${all}`), [none, none, none], strategy);
  }
  assert.deepEqual(telling(all, ', rpm: 60'), [[true, false], none, none]);
  assert.deepEqual(telling(`strategy: least-busy, ${all}`)[0], [true, true]);
  assert.deepEqual(telling(`strategy: least-latency, ${all}`, ', tpm: 5')[0], [true, true]);
  assert.deepEqual(telling(`strategy: least-latency, ${all}`)[0], [false, true]);
});

test('rates are those of the models; without any there are none', () => {
  assert.equal(configured(all).plan.quotas, undefined);
  const { snapshot, plan } = configured(all, undefined, ', rpm: 60');
  const none = { rpm: 0, tpm: 0 };
  assert.deepEqual(plan.quotas, [{ rpm: 60, tpm: 0 }, none, none]);
  const named = (model: string) => {
    const target = findTarget(snapshot, 'azure-openai', model);
    return target && namedPlan(snapshot, target)?.quotas;
  };
  assert.deepEqual(named('gpt-4o'), [{ rpm: 60, tpm: 0 }]);
  assert.equal(named('other'), undefined);
});

test('ranks: by place in the list, by what this request would cost, or all the same', () => {
  const call = { model: '', startedAtMs: 0, promptTokens: 1000, completionTokens: 10 };
  const ranks = (strategy: string, more = {}) => {
    const { snapshot, plan } = configured(`strategy: ${strategy}, ${all}`);
    return ranksOf(plan, snapshot, expectedOf({ ...call, ...more }));
  };
  assert.deepEqual(ranks('priority'), [0, 1, 2]);
  assert.deepEqual(ranks('round-robin'), [0, 0, 0]);
  assert.deepEqual(ranks('lowest-cost'), [2_600_000, 156_000, 2_600_000]);
  assert.deepEqual(ranks('lowest-cost', { completionTokens: 1000 }), [12_500_000, 750_000, 12_500_000]);
});

test('rates count what a request asks for, as providers do', () => {
  const call = { model: '', startedAtMs: 0, promptTokens: 100, completionTokens: 50 };
  assert.equal(expectedOf(call).countedTokens, 150);
  assert.equal(expectedOf({ ...call, outputTokensMax: 4096 }).countedTokens, 4196);
  assert.equal(expectedOf({ model: '', startedAtMs: 0 }).countedTokens, 1000);
});
