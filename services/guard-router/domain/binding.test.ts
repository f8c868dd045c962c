import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  findProxy,
  type ProxySettings,
  parseConfigFile,
  ResponseIds,
  resolveConfig,
  resolveModel,
} from '@tollgate/config';
import type { Affinity } from '@tollgate/contracts';
import { TollgateError } from '@tollgate/errors';
import { bindingOf, boundTargets, checkKept, keeperOf } from './binding.ts';

const file = `
organization: acme
priceList: { gpt-4o: { prompt: 1, completion: 1 }, mini: { prompt: 1, completion: 1 } }
providers:
  - { name: east, type: azure-openai, endpoint: "https://east.example.com", models: [gpt-4o, mini, extra-4o] }
  - { name: west, type: azure-openai, endpoint: "https://west.example.com", models: [gpt-4o, mini] }
  - { name: north, type: azure-openai, endpoint: "https://north.example.com", models: [gpt-4o] }
  - { name: claude, type: anthropic, models: [{ name: claude, baseModel: gpt-4o }] }
projects:
  - name: sample
    teams: [{ name: a }, { name: b }]
    proxies:
      - name: proxy
        version: v1.0
        context: /proxy
        provider: east
        default: true
        guardrails:
          - modelRotation:
              models: [{ model: mini }, { model: gpt-4o }, { model: gpt-4o, provider: west }]
`.replace('extra-4o', '{ name: extra, deployment: extra, baseModel: gpt-4o }');
const snapshot = resolveConfig(parseConfigFile(file), 1, 0);
const proxy = findProxy(snapshot, '') as ProxySettings;
const ids = new ResponseIds(['a-secret-of-the-tests-and-of-nobody']);

const idOf = (provider: string, model = 'gpt-4o', borrowed = false) =>
  ids.seal('sample.a', { provider, model, providerId: 'resp_at_the_provider', borrowed });
const known = ['east', 'west', 'north'];
const affinity = (fields: Partial<Affinity & { teamId: string }>): Affinity & { teamId: string } => ({
  ...{ teamId: 'sample.a', responseId: '', contentMarks: [], itemIds: [], action: '' },
  ...fields,
});
const refused = (code: string, param: string) => (error: unknown) =>
  error instanceof TollgateError && error.code === code && error.param === param;
const targets = (provider: string, asked = '', model = 'gpt-4o') =>
  boundTargets(
    resolveModel(snapshot, proxy, asked),
    bindingOf(ids, affinity({ responseId: idOf(provider, model) }), known),
  ).map((target) => `${target.provider}/${target.model}`);

test('a team finds its response, another one and a wrong id find nothing, told alike', () => {
  const responseId = idOf('east');
  const { provider, issued } = bindingOf(ids, affinity({ responseId }), known);
  assert.deepEqual([provider, issued?.providerId], ['east', 'resp_at_the_provider']);
  const messages = [affinity({ responseId, teamId: 'sample.b' }), affinity({ responseId: 'resp_1' })].flatMap((asked) =>
    ['', 'retrieve'].map((action) => {
      try {
        return bindingOf(ids, { ...asked, action }, known);
      } catch (error) {
        assert.ok(error instanceof TollgateError);
        return `${error.code} ${error.param} ${error.message}`;
      }
    }),
  );
  assert.equal(new Set(messages).size, 2, messages.join('\n'));
  assert.match(String(messages[0]), /^previous_response_not_found previous_response_id /);
  assert.match(String(messages[1]), /^not_found response_id /);
});

test('an answer out of the cache can be gone on from, and nothing else', () => {
  const responseId = idOf('east', 'gpt-4o', true);
  assert.equal(bindingOf(ids, affinity({ responseId }), known).provider, 'east');
  for (const action of ['retrieve', 'input_items', 'cancel', 'delete']) {
    assert.throws(() => bindingOf(ids, affinity({ responseId, action }), known), refused('not_found', 'response_id'));
  }
});

test('encrypted contents lead to the provider that made them, and to one only', () => {
  const [east, west] = ['east', 'west'].map((name) => ids.contentMark('sample.a', name)) as [string, string];
  assert.deepEqual(bindingOf(ids, affinity({ contentMarks: [east] }), known), { provider: 'east', issued: undefined });
  const both = affinity({ contentMarks: [east, west] });
  assert.throws(() => bindingOf(ids, both, known), refused('invalid_request', 'input'));
  const mixed = affinity({ contentMarks: [east], responseId: idOf('west') });
  assert.throws(() => bindingOf(ids, mixed, known), refused('invalid_request', 'input'));
  const foreign = affinity({ contentMarks: [ids.contentMark('sample.b', 'east')] });
  assert.throws(() => bindingOf(ids, foreign, known), refused('invalid_request', 'input'));
});

test('an item leads the team that got it to the provider that keeps it, and another team nowhere, as a made-up one', () => {
  const itemOf = (provider: string, id = 'msg_1') => id + ids.itemTag('sample.a', provider, id);
  const binding = bindingOf(ids, affinity({ itemIds: [itemOf('west'), itemOf('west', 'rs_1')] }), known);
  assert.deepEqual(binding, { provider: 'west', issued: undefined });
  const rotation = resolveModel(snapshot, proxy, '');
  assert.deepEqual(
    boundTargets(rotation, binding).map(({ provider }) => provider),
    ['west'],
  );
  assert.throws(() => boundTargets(rotation, { provider: 'north', issued: undefined }), refused('not_found', 'input'));
  const both = affinity({ itemIds: [itemOf('east'), itemOf('west')] });
  assert.throws(() => bindingOf(ids, both, known), refused('invalid_request', 'input'));
  const mixed = affinity({ itemIds: [itemOf('east')], responseId: idOf('west') });
  assert.throws(() => bindingOf(ids, mixed, known), refused('invalid_request', 'input'));
  assert.equal(
    bindingOf(ids, affinity({ itemIds: [itemOf('west')], responseId: idOf('west') }), known).provider,
    'west',
  );
  const tagOf = (id: string) => itemOf('east', id).slice(id.length);
  const foreign = [affinity({ itemIds: [itemOf('east')], teamId: 'sample.b' }), affinity({ itemIds: ['msg_1'] })];
  const moved = affinity({ itemIds: [`msg_2${tagOf('msg_1')}`] });
  for (const asked of [...foreign, moved, affinity({ itemIds: [itemOf('south')] })])
    assert.throws(() => bindingOf(ids, asked, known), refused('not_found', 'input'));
});

test('of the rotation the models at the resource, first the one that it was with', () => {
  assert.deepEqual(targets('east'), ['east/gpt-4o', 'east/mini']);
  assert.deepEqual(targets('east', 'gpt-4o', 'mini'), ['east/mini', 'east/gpt-4o']);
  assert.deepEqual(targets('west'), ['west/gpt-4o']);
});

test('a named model serves where it is, and nothing serves what is kept elsewhere', () => {
  assert.deepEqual(targets('east', 'extra'), ['east/extra']);
  const elsewhere = refused('previous_response_not_found', 'previous_response_id');
  assert.throws(() => targets('west', 'extra'), elsewhere);
  assert.throws(() => targets('north'), elsewhere);
});

test('a response is read where it is kept, also of a model that is not offered any more, if the proxy uses the provider', () => {
  const keeper = (provider: string, model: string) =>
    keeperOf(snapshot, proxy, 'retrieve', { provider, model, providerId: 'resp_1', borrowed: false });
  assert.equal(keeper('west', 'gpt-4o').deployment, 'gpt-4o');
  assert.deepEqual([keeper('east', 'gone').provider, keeper('east', 'gone').model], ['east', 'gone']);
  assert.throws(() => keeper('north', 'gpt-4o'), refused('not_found', 'response_id'));
});

test('nothing is kept where responses are translated', () => {
  const kept = (provider: string, action: string) => {
    const asked = affinity({ responseId: idOf(provider, 'claude'), action });
    checkKept(snapshot, bindingOf(ids, asked, known), action);
  };
  assert.doesNotThrow(() => kept('east', 'retrieve'));
  assert.throws(() => kept('claude', 'retrieve'), refused('not_found', 'response_id'));
  assert.throws(() => kept('claude', ''), refused('previous_response_not_found', 'previous_response_id'));
  const thoughts = affinity({ contentMarks: [ids.contentMark('sample.a', 'claude')] });
  assert.doesNotThrow(
    () => checkKept(snapshot, bindingOf(ids, thoughts, known), ''),
    'what was thought goes back to it',
  );
});
