import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type ConfigSnapshot, proxyById, resolveModel } from '@tollgate/config';
import type { InputBound } from '@tollgate/contracts';
import type { TollgateError } from '@tollgate/errors';
import { startAzureSimulator } from '@tollgate/testing/azure';
import * as given from '../testing/harness.ts';
import { type Bound, boundOf, boundPart } from './bound.ts';

interface Asked {
  input?: Partial<InputBound>;
  outputTokensMax?: number;
  n?: number;
  model?: string;
  generates?: boolean;
  promptCounts?: boolean;
}

function bound(asked: Asked = {}, snapshot: ConfigSnapshot = given.snapshot()): Bound {
  const proxy = proxyById(snapshot, 'sample.chat');
  assert.ok(proxy);
  const { model = 'gpt-4o', outputTokensMax = 0, n = 1, generates = true, promptCounts = true } = asked;
  const input = { textBytesMax: 240, images: 0, files: 0, unbounded: '', ...asked.input };
  return boundOf(
    snapshot,
    resolveModel(snapshot, proxy, model),
    { input, outputTokensMax, n, generates },
    promptCounts,
  );
}

/** The snapshot with more said of its models. */
function withModels(change: Partial<ConfigSnapshot['providers'][number]['models'][number]>): ConfigSnapshot {
  const snapshot = given.snapshot();
  const providers = snapshot.providers.map((provider) => ({
    ...provider,
    models: provider.models.map((model) => ({ ...model, ...change })),
  }));
  return { ...snapshot, providers };
}

describe('the bound of a prompt', () => {
  test('is its bytes and what a provider puts around it', () => {
    assert.equal(bound().promptTokens, 240 + 64);
    assert.equal(bound().promptCostNanoUsd, 304 * 2500);
  });

  test("has room for the prompt that Anthropic puts before a caller's tools", () => {
    const snapshot = given.snapshot();
    const providers = snapshot.providers.map((provider) => ({ ...provider, type: 'anthropic' as const }));
    assert.equal(bound({}, { ...snapshot, providers }).promptTokens, 240 + 640);
  });

  test('holds where tokens are dense: the simulator counts as the provider does', async (t) => {
    const simulator = await startAzureSimulator();
    t.after(() => simulator.close());
    const message = (content: string) => ({ role: 'user', content });
    const tool = (name: string) => ({ type: 'function', function: { name } });
    const choices = { type: 'object', properties: { a: { enum: 'abcdefghijklmnopqrstuvwxyz'.split('') } } };
    const bodies = [
      { messages: [message('')] },
      { messages: Array.from({ length: 300 }, () => message('')) },
      { messages: Array.from({ length: 300 }, () => ({ role: 'user', name: 'a', content: 'b' })) },
      { messages: [message('༄༅།།'.repeat(200))] },
      { messages: [message('\u0007\u0001𓀀𒀀🫠'.repeat(200))] },
      { messages: [message('x y z 1 2 3 , ; : '.repeat(200))] },
      { messages: [message('a')], tools: Array.from({ length: 50 }, (_, at) => tool(`f${at}`)) },
      { messages: [message('a')], tools: [{ type: 'function', function: { name: 'f', parameters: choices } }] },
    ];
    for (const body of bodies) {
      const text = JSON.stringify({ ...body, max_tokens: 1 });
      const response = await fetch(`${simulator.address}/openai/v1/chat/completions?`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'api-key': simulator.apiKey },
        body: JSON.stringify({ ...body, max_tokens: 1, model: 'gpt-4o' }),
      });
      const { usage } = (await response.json()) as { usage: { prompt_tokens: number } };
      const { promptTokens } = bound({ input: { textBytesMax: Buffer.byteLength(text) } });
      assert.ok(usage.prompt_tokens <= promptTokens, `${usage.prompt_tokens} > ${promptTokens}: ${text.slice(0, 80)}`);
    }
  });

  test('counts images and files by what the model declares, and refuses what it does not', () => {
    const both = { input: { images: 2, files: 1 } };
    const declared = withModels({ imageTokensMax: 1000, fileTokensMax: 50_000 });
    assert.equal(bound(both, declared).promptTokens, 304 + 2000 + 50_000);
    assert.throws(() => bound(both, withModels({ imageTokensMax: 1000 })), /files have no bound on this model/);
    assert.throws(() => bound({ input: { images: 1 } }), /images have no bound on this model/);
    assert.equal(bound({ ...both, promptCounts: false }).promptTokens, 304, 'where only the answer counts');
  });

  test('does not exist for what stands elsewhere, and is refused as the caller’s fault', () => {
    assert.throws(
      () => bound({ input: { unbounded: 'previous_response_id' } }),
      ({ code, param, message }: TollgateError) =>
        code === 'invalid_request' && param === 'previous_response_id' && /strict limit/.test(message),
    );
    assert.throws(() => bound({}, withModels({ baseModel: 'gpt-4o-search-preview' })), /searches by itself/);
  });

  test('is not guessed where nobody described the input', () => {
    const snapshot = given.snapshot();
    const call = { input: undefined, outputTokensMax: 1, n: 1, generates: true };
    assert.throws(
      () => boundOf(snapshot, { kind: 'unknown' }, call, true),
      ({ code }: TollgateError) => code === 'guard_unavailable',
    );
  });
});

describe('the bound of an answer', () => {
  const output = (asked: Asked, snapshot?: ConfigSnapshot) => {
    const { outputTokensMax, outputTokensMin, choices } = bound(asked, snapshot);
    return [outputTokensMax, outputTokensMin, choices];
  };

  test("is the caller's limit, else the model's, else 4,096; with less than 16 there is none", () => {
    assert.deepEqual(output({}), [4096, 16, 1]);
    assert.deepEqual(output({ outputTokensMax: 100_000, n: 3 }), [100_000, 16, 3]);
    assert.deepEqual(output({ outputTokensMax: 5, n: 0 }), [5, 5, 1]);
    assert.deepEqual(output({}, withModels({ outputTokensMax: 16_384 })), [16_384, 16, 1]);
    assert.deepEqual(output({ generates: false }), [0, 0, 0]);
  });

  test('costs the dearest of all that a provider may make of a token', () => {
    const snapshot = given.snapshot();
    const dear = {
      ...snapshot.prices['gpt-4o'],
      ...{ promptNanoPerMillion: 1e9, cachedPromptNanoPerMillion: 1e9, completionNanoPerMillion: 2e9 },
      reasoningNanoPerMillion: 3e9,
      serviceTiers: {
        priority: {
          ...{ promptNanoPerMillion: 1e9, cachedPromptNanoPerMillion: 1e9, completionNanoPerMillion: 2e9 },
          longContext: {
            ...{ promptNanoPerMillion: 1e9, cachedPromptNanoPerMillion: 1e9, completionNanoPerMillion: 4_000_000_001 },
            ...{ abovePromptTokens: 1000, cacheWriteNanoPerMillion: 5e9 },
          },
        },
      },
    };
    const { promptCostNanoUsd, tokenCostNanoUsd } = bound(
      { n: 2 },
      { ...snapshot, prices: { ...snapshot.prices, 'gpt-4o': dear } },
    );
    assert.equal(promptCostNanoUsd, 304 * 5000);
    assert.equal(tokenCostNanoUsd, 8001, 'rounded up');
  });

  test('of a rotation is that of its dearest model and of its shortest answer', () => {
    const rotation = given.withRotation(given.snapshot(), ['gpt-4o', 'gpt-4o-mini']);
    const [provider] = rotation.providers;
    assert.ok(provider);
    const models = provider.models.map((model, at) => ({ ...model, outputTokensMax: at === 0 ? 9000 : 8000 }));
    const both = { ...rotation, providers: [{ ...provider, models }] };
    const { outputTokensMax, tokenCostNanoUsd } = bound({ model: '' }, both);
    assert.deepEqual([outputTokensMax, tokenCostNanoUsd], [8000, 10_000]);
  });
});

test('each quantity sees its part of the bound', () => {
  const of = bound({ n: 2 });
  const parts = (['tokens', 'prompt_tokens', 'completion_tokens', 'cost_nano_usd', 'requests'] as const).map((one) => {
    const { fixed, unit } = boundPart(of, one);
    return [fixed, unit];
  });
  assert.deepEqual(parts, [
    [304, 2],
    [304, 0],
    [0, 2],
    [304 * 2500, 20_000],
    [1, 0],
  ]);
});
