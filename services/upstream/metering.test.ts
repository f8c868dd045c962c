import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { Surface, type UsageEvent } from '@tollgate/contracts';
import { type AnthropicSimulator, startAnthropicSimulator } from '@tollgate/testing/anthropic';
import type { FaultSpec } from '@tollgate/testing/azure';
import { Harness, type ServiceUnderTest } from './testing/harness.ts';
import { chat, type DispatchFields, target } from './testing/peer.ts';

// Everything that a provider bills apart, on every surface, streamed or not: a row of each pair must say it and cost it.

/** All that a price may say. */
const everything = `
    prompt: 2
    cachedPrompt: 1
    cacheWrite: 3
    completion: 10
    reasoning: 12
    audioPrompt: 40
    audioCompletion: 80
    toolCalls: { web_search: 10 }
    longContext: { abovePromptTokens: 200, prompt: 4, completion: 20 }
    serviceTiers: { flex: { prompt: 1, completion: 5 } }`;
const [claude, embedder] = ['claude-sonnet-4-5', 'text-embedding-3-small'] as const;
const prices = `
  gpt-4o:${everything}
  ${claude}:${everything}
  ${embedder}:${everything}
  gpt-4o-mini: { prompt: 1, completion: 4 }`;

let harness: Harness;
let anthropic: AnthropicSimulator;
let service: ServiceUnderTest;
before(async () => {
  // The key that the harness keeps in a file.
  const key = { apiKey: 'azure-simulator-key' };
  [harness, anthropic] = await Promise.all([Harness.start(), startAnthropicSimulator(key)]);
  const azure = harness.provider('azure', {
    models: `[gpt-4o, { name: mini, deployment: gpt-4o-mini, baseModel: gpt-4o-mini }, ${embedder}]`,
  });
  const messages = harness.provider('claude', {
    ...{ type: 'anthropic', endpoint: anthropic.address, models: `[${claude}]` },
  });
  await harness.apply(azure + messages, prices);
  service = await harness.service('upstream-a');
});
after(async () => {
  await harness?.close();
  await anthropic?.close();
});
beforeEach(() => {
  harness.simulator.reset();
  anthropic.reset();
});

const usageOption = { stream_options: { include_usage: true } };
const toldBy = { azure: () => harness.simulator, anthropic: () => anthropic };
const named = (provider: string, model: string) => [
  target('gpt-4o', { provider, model, deployment: model, baseModel: model }),
];

interface Asked {
  provider: keyof typeof toldBy;
  streams: boolean[];
  fields(prompt: string, stream: boolean): DispatchFields;
}

const surfaces: Record<string, Asked> = {
  chat: {
    ...{ provider: 'azure', streams: [false, true] },
    fields: (prompt, stream) => ({ body: chat(prompt, { stream, ...(stream && usageOption) }) }),
  },
  responses: {
    ...{ provider: 'azure', streams: [false, true] },
    fields: (input, stream) => ({ body: { model: 'x', input, stream }, surface: Surface.RESPONSES }),
  },
  messages: {
    ...{ provider: 'anthropic', streams: [false, true] },
    fields: (prompt, stream) => ({
      ...{ body: chat(prompt, { stream, max_tokens: 200 }), surface: Surface.MESSAGES },
      targets: named('claude', claude),
    }),
  },
  embeddings: {
    ...{ provider: 'azure', streams: [false] },
    fields: (input) => ({
      ...{ body: { model: 'x', input }, surface: Surface.EMBEDDINGS },
      targets: named('azure', embedder),
    }),
  },
};

const question = 'Capital of France, please, once more?';

interface Field {
  issued: FaultSpec;
  /** Where a provider can say it. */
  on: readonly string[];
  prompt?: string;
  /** Nano-dollars of these tokens. */
  cost(tokens: { prompt: number; completion: number }): number;
  says(row: UsageEvent): unknown;
  expected: unknown;
}

const everywhere = ['chat', 'responses', 'messages', 'embeddings'];
const generating = ['chat', 'responses', 'messages'];
const ofOpenAi = ['chat', 'responses'];

const fields: Record<string, Field> = {
  'prompt and completion': {
    on: everywhere,
    issued: {},
    cost: ({ prompt, completion }) => prompt * 2000 + completion * 10_000,
    says: ({ billing }) => billing?.unpriced ?? [],
    expected: [],
  },
  'cached prompt': {
    on: generating,
    issued: { cachedTokens: 5 },
    cost: ({ prompt, completion }) => (prompt - 5) * 2000 + 5 * 1000 + completion * 10_000,
    says: ({ billed }) => billed?.cachedPrompt,
    expected: 5,
  },
  'cache write': {
    on: generating,
    issued: { cacheWriteTokens: 6 },
    cost: ({ prompt, completion }) => (prompt - 6) * 2000 + 6 * 3000 + completion * 10_000,
    says: ({ billed }) => billed?.cacheWritePrompt,
    expected: 6,
  },
  reasoning: {
    on: generating,
    issued: { reasoningTokens: 7 },
    cost: ({ prompt, completion }) => prompt * 2000 + (completion - 7) * 10_000 + 7 * 12_000,
    says: ({ billed }) => billed?.reasoning,
    expected: 7,
  },
  'audio prompt': {
    on: ofOpenAi,
    issued: { audioPromptTokens: 4 },
    cost: ({ prompt, completion }) => (prompt - 4) * 2000 + 4 * 40_000 + completion * 10_000,
    says: ({ billed }) => billed?.audioPrompt,
    expected: 4,
  },
  'audio completion': {
    on: ofOpenAi,
    issued: { audioCompletionTokens: 3 },
    cost: ({ prompt, completion }) => prompt * 2000 + (completion - 3) * 10_000 + 3 * 80_000,
    says: ({ billed }) => billed?.audioCompletion,
    expected: 3,
  },
  'calls of tools': {
    on: generating,
    issued: { toolCalls: { web_search: 1 } },
    cost: ({ prompt, completion }) => prompt * 2000 + completion * 10_000 + 10_000_000,
    says: ({ billing }) => billing?.toolCalls,
    expected: { web_search: 1 },
  },
  'service tier': {
    on: generating,
    issued: { serviceTier: 'flex' },
    cost: ({ prompt, completion }) => prompt * 1000 + completion * 5000,
    says: ({ billing }) => billing?.serviceTier,
    expected: 'flex',
  },
  'long context': {
    on: everywhere,
    issued: {},
    prompt: `${question} ${'word '.repeat(300)}`,
    cost: ({ prompt, completion }) => prompt * 4000 + completion * 20_000,
    says: ({ billed }) => (billed?.prompt ?? 0) > 200,
    expected: true,
  },
};

for (const [surface, asked] of Object.entries(surfaces)) {
  for (const stream of asked.streams) {
    for (const [name, { issued, on, prompt = question, cost, says, expected }] of Object.entries(fields)) {
      if (!on.includes(surface)) continue;
      test(`${surface}, ${stream ? 'stream' : 'JSON'}: ${name}`, async () => {
        const provider = toldBy[asked.provider]();
        provider.addFault(issued);
        const answer = await harness.peer.ask(asked.fields(prompt, stream));
        const row = await harness.peer.row(answer.requestId);
        const told = provider.totals().all.issued;
        const { prompt: promptTokens = 0, completion = 0 } = row.billed ?? {};
        assert.ok(promptTokens > 0 && (completion > 0 || surface === 'embeddings'));
        assert.deepEqual([promptTokens, completion], [told.promptTokens, told.completionTokens]);
        assert.deepEqual(says(row), expected);
        assert.equal(row.costNanoUsd, cost({ prompt: promptTokens, completion }));
        assert.equal(row.estimated, false);
        assert.deepEqual(row.served, row.billed);
      });
    }
  }
}

test('what has no price is charged, told in the row and counted', async () => {
  harness.simulator.addFault({ audioPromptTokens: 4, serviceTier: 'priority', toolCalls: { web_search: 1 } });
  const answer = await harness.peer.ask({
    ...surfaces.responses?.fields(question, false),
    body: { model: 'x', input: question },
    targets: [target('mini')],
  });
  const row = await harness.peer.row(answer.requestId);
  assert.deepEqual(row.billing?.unpriced, ['service_tier.priority', 'audio_prompt_tokens', 'tool_calls.web_search']);
  const { prompt = 0, completion = 0 } = row.billed ?? {};
  assert.equal(row.costNanoUsd, prompt * 1000 + completion * 4000 + 25_000_000);
  const metrics = await service.metrics();
  for (const kind of ['service_tier', 'audio_prompt_tokens', 'tool_calls']) {
    assert.match(metrics, new RegExp(`tollgate_upstream_unpriced_usage_total\\{[^}]*kind="${kind}"[^}]*\\} 1`));
  }
});

test('a failed attempt that the provider billed is part of the row', async () => {
  harness.simulator.addFault({ kind: 'status', status: 408, deployment: 'gpt-4o', count: 1 });
  const targets = [target('gpt-4o'), target('mini')];
  const answer = await harness.peer.ask({ body: chat(question), targets });
  const row = await harness.peer.row(answer.requestId);
  assert.deepEqual(
    row.attempts.map(({ costNanoUsd }) => costNanoUsd > 0),
    [true, true],
  );
  assert.equal(row.billed?.prompt, 33 + (row.served?.prompt ?? 0));
  assert.equal(
    row.costNanoUsd,
    row.attempts.reduce((sum, { costNanoUsd }) => sum + costNanoUsd, 0),
  );
});
