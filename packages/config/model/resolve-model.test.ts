import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Surface } from '@tollgate/contracts';
import { exampleText, exampleWith, snapshotOf } from '../fixtures/example.ts';
import { findProxy } from './lookup.ts';
import { offeredModels, resolveModel } from './resolve-model.ts';

function resolved(text: string, asked: string) {
  const snapshot = snapshotOf(text);
  const proxy = findProxy(snapshot, '');
  assert.ok(proxy);
  const result = resolveModel(snapshot, proxy, asked);
  if (result.kind === 'rotation') return result.targets.map(({ provider, model }) => `${provider}/${model}`);
  return result.kind === 'named' ? result.target : result.kind;
}

const ROTATION = ['azure-openai/gpt-4o', 'azure-openai/gpt-4o-mini'];
const withExtra = exampleWith('gpt-4o-mini]', 'gpt-4o-mini, { name: fast, deployment: prod-fast, baseModel: gpt-4o }]');

test('no model, or one in the list: the rotation, in the order of the list', () => {
  for (const asked of ['', 'gpt-4o', 'gpt-4o-mini']) assert.deepEqual(resolved(exampleText, asked), ROTATION, asked);
});

test('offered but outside the list: served as named', () => {
  assert.deepEqual(resolved(withExtra, 'fast'), {
    provider: 'azure-openai',
    model: 'fast',
    deployment: 'prod-fast',
    baseModel: 'gpt-4o',
    region: '',
    probe: false,
  });
});

test('any other is unknown, a deployment name too, unless the rotation overrides', () => {
  for (const asked of ['gpt-5', 'prod-fast', 'GPT-4O', 'constructor', '__proto__']) {
    assert.equal(resolved(withExtra, asked), 'unknown', asked);
  }
  const override = withExtra.replace('suspendDurationSeconds: 30', 'override: true');
  assert.deepEqual(resolved(override, 'gpt-5'), ROTATION);
  assert.equal((resolved(override, 'fast') as { model: string }).model, 'fast');
});

test('without a rotation a model must be named', () => {
  const plain = exampleText.slice(0, exampleText.indexOf('- modelRotation'));
  assert.equal(resolved(plain, ''), 'unknown');
  assert.equal((resolved(plain, 'gpt-4o') as { model: string }).model, 'gpt-4o');
});

test("another provider's model is offered by the rotation that lists it only", () => {
  const other = '  - { name: second, type: openai, models: [{ name: other, baseModel: gpt-4o }, gpt-4o] }\nprojects:';
  const text = exampleText
    .replace('projects:', other)
    .replace('{ model: gpt-4o-mini }', '{ model: other, provider: second }');
  assert.deepEqual(resolved(text, 'other'), ['azure-openai/gpt-4o', 'second/other']);
  assert.equal((resolved(text, 'gpt-4o-mini') as { provider: string }).provider, 'azure-openai');
  const unlisted = exampleText.replace('projects:', other);
  assert.equal(resolved(unlisted, 'other'), 'unknown');
});

test('what a proxy offers is the rotation and then the rest of its provider', () => {
  const snapshot = snapshotOf(withExtra);
  const proxy = findProxy(snapshot, '');
  assert.ok(proxy);
  assert.deepEqual(
    [...offeredModels(snapshot, proxy)],
    ['gpt-4o', 'gpt-4o-mini', 'fast'].map((model) => [model, 'azure-openai']),
  );
});

test('what a team of some regions is offered', () => {
  const snapshot = snapshotOf(
    exampleWith(
      'models: [gpt-4o, gpt-4o-mini]',
      'models: [{ name: gpt-4o, region: eu }, gpt-4o-mini, { name: fast, baseModel: gpt-4o, region: us }]',
    ),
  );
  const proxy = findProxy(snapshot, '');
  assert.ok(proxy);
  const offered = (...regions: string[]) => [...offeredModels(snapshot, proxy, regions).keys()];
  // A rotation serves each of its names, as long as any of its models may.
  assert.deepEqual(offered('eu'), ['gpt-4o', 'gpt-4o-mini']);
  assert.deepEqual(offered('us'), ['fast']);
  assert.deepEqual(offered('asia'), []);
});

test('a surface that no provider of it serves has no model, and says that there is one elsewhere', () => {
  const snapshot = snapshotOf(withExtra);
  const proxy = findProxy(snapshot, '');
  assert.ok(proxy);
  for (const surface of [Surface.MESSAGES, Surface.COUNT_TOKENS]) {
    for (const asked of ['', 'gpt-4o', 'fast'])
      assert.deepEqual(resolveModel(snapshot, proxy, asked, surface), { kind: 'unknown', elsewhere: true });
    assert.deepEqual(resolveModel(snapshot, proxy, 'gpt-5', surface), { kind: 'unknown' });
  }
  for (const surface of [Surface.CHAT_COMPLETIONS, Surface.EMBEDDINGS, Surface.MODELS, Surface.STORED_RESPONSES])
    assert.equal(resolveModel(snapshot, proxy, 'fast', surface).kind, 'named');
});

test('a rotation over several providers uses those that serve the surface', () => {
  const second = '  - { name: second, type: anthropic, models: [{ name: claude, baseModel: gpt-4o }] }\nprojects:';
  const snapshot = snapshotOf(
    exampleText.replace('projects:', second).replace('{ model: gpt-4o-mini }', '{ model: claude, provider: second }'),
  );
  const proxy = findProxy(snapshot, '');
  assert.ok(proxy);
  const models = (surface: Surface) => {
    const result = resolveModel(snapshot, proxy, 'gpt-4o', surface);
    return result.kind === 'rotation' ? result.targets.map(({ model }) => model) : result.kind;
  };
  for (const surface of [Surface.MESSAGES, Surface.COUNT_TOKENS]) assert.deepEqual(models(surface), ['claude']);
  assert.deepEqual(models(Surface.EMBEDDINGS), ['gpt-4o']);
  for (const surface of [Surface.CHAT_COMPLETIONS, Surface.RESPONSES])
    assert.deepEqual(models(surface), ['gpt-4o', 'claude'], 'translated');
});
