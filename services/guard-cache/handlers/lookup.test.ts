import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConfigFile, ResponseIds, resolveConfig } from '@tollgate/config';
import { type GuardRequest, Surface } from '@tollgate/contracts';
import { createMetrics } from '@tollgate/telemetry';
import type { Found } from '../adapters/redis/store.ts';
import { chatAnswer, responseAnswer } from '../testdata/answers.ts';
import { CacheCounters } from './counters.ts';
import { Lookup } from './lookup.ts';
import { RecentQuestions } from './recent-questions.ts';

const text = 'What is the capital of France?';
const found: Found = {
  answer: chatAnswer(),
  facts: {
    provider: 'azure-openai',
    model: 'gpt-4o',
    baseModel: 'gpt-4o',
    tokens: { prompt: 14, completion: 3, cachedPrompt: 0, reasoning: 0 },
    costNanoUsd: 65_000,
    createdAtMs: 1_800_000_000_000,
  },
  similarity: 1,
  kind: 'exact',
};
const snapshot = resolveConfig(
  parseConfigFile(`organization: acme
priceList:
  gpt-4o: { prompt: 2.50, completion: 10.00 }
providers:
  - name: azure-openai
    type: azure-openai
    endpoint: https://example.com
    apiKey: { env: KEY }
    apiVersion: "2024-10-21"
    models: [gpt-4o]
projects:
  - name: sample
    teams: [{ name: engineering }]
    proxies:
      - name: proxy
        version: v1.0
        context: /proxy
        provider: azure-openai
        guardrails:
          - semanticCache: { similarityThreshold: 0.92, ttlSeconds: 3600 }
`),
  1,
  Date.now(),
);
const request: GuardRequest = {
  id: 1,
  requestId: 'r',
  timeoutMs: 2000,
  revision: 1,
  proxy: snapshot.projects[0]?.proxies[0]?.id ?? '',
  guardrail: 0,
  call: {
    $case: 'cache',
    value: {
      scopeId: 'team:a',
      fingerprint: new Uint8Array(32),
      text,
      surface: Surface.CHAT_COMPLETIONS,
      stream: false,
      includeUsage: false,
    },
  },
};

const responseIds = new ResponseIds(['a-secret-of-the-tests-and-of-nobody']);

/** A lookup over a store that gives these, one a call. */
function lookupOver(given: (Found | undefined)[]) {
  const questions = new RecentQuestions();
  const lookup = new Lookup({
    config: { at: () => snapshot },
    store: { lookup: async () => given.shift() },
    questions,
    counters: new CacheCounters(createMetrics('test')),
    responseIds,
    now: () => 1_800_000_001_000,
  });
  const isHit = async () => {
    const result = await lookup.handle(request);
    return result?.$case === 'cache' && result.value.hit !== undefined;
  };
  return { isHit, questions, lookup };
}

test('a repeat that overtook the fill waits for it and hits', async () => {
  const { isHit, questions } = lookupOver([undefined, undefined, found]);
  assert.equal(await isHit(), false);
  const repeat = isHit();
  setImmediate(() => questions.take(text, 'content'));
  assert.equal(await repeat, true);
});

test('what another replica keeps meanwhile is found after the wait', async () => {
  const { isHit } = lookupOver([undefined, undefined, found]);
  assert.equal(await isHit(), false);
  assert.equal(await isHit(), true);
});

test('a question whose answer is not to be kept is looked up again once', async () => {
  const given = [undefined, undefined, undefined, undefined, found];
  const { isHit } = lookupOver(given);
  for (let time = 1; time <= 3; time++) assert.equal(await isHit(), false);
  assert.deepEqual(given, [found]);
});

test('the id of a hit lets its team go on from what the provider keeps, and do nothing else with it', async () => {
  type Hit = { id: string; output: { id: string }[] };
  const items: string[] = [];
  const idOf = async (stored: object, teamId?: string) => {
    const { lookup } = lookupOver([{ ...found, answer: responseAnswer('Paris.', stored) }]);
    const { call } = request;
    assert.ok(call?.$case === 'cache');
    const value = { ...call.value, surface: Surface.RESPONSES, teamId };
    const result = await lookup.handle({ ...request, call: { $case: 'cache', value } });
    assert.ok(result?.$case === 'cache' && result.value.hit);
    const { id, output } = JSON.parse(Buffer.from(result.value.hit.body).toString()) as Hit;
    items.push(output[0]?.id ?? '');
    return id;
  };
  const issued = { provider: 'azure-openai', model: 'gpt-4o', providerId: 'resp_first', borrowed: true };
  const id = await idOf({ store: true }, 'sample.engineering');
  assert.deepEqual(responseIds.open('sample.engineering', id), issued);
  assert.notEqual(await idOf({ store: true }, 'sample.engineering'), id, 'each hit has its own');
  for (const [stored, teamId] of [
    [{ store: false }, 'sample.engineering'],
    [{}, undefined],
  ] as const) {
    assert.match(await idOf(stored, teamId), /^resp_[0-9a-f]{48}$/);
  }
  const [kept = '', ...others] = items;
  assert.equal(responseIds.providerOfItem('sample.engineering', kept, ['azure-openai']), 'azure-openai');
  assert.equal(others[0], kept, 'the provider has it once');
  for (const made of others.slice(1)) assert.match(made, /^msg_[0-9a-f]{48}$/);
});
