import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { type AnthropicSimulator, startAnthropicSimulator } from '@tollgate/testing/anthropic';
import { type AzureSimulator, startAzureSimulator } from '@tollgate/testing/azure';
import OpenAI from 'openai';
import { newSystem, type System } from '../support/system.ts';
import { until } from '../support/until.ts';

// Azure OpenAI and Anthropic in one rotation, through the whole gateway, asked by OpenAI's own client.

let system: System;
let azure: AzureSimulator;
let claude: AnthropicSimulator;
let apiKey: string;
let gatewayUrl: string;

const key = 'a-key-of-both-simulators';
const claudeModel = '{ model: sonnet, provider: claude }';

const proxy = (name: string, more: string, models: string) => `
      - name: ${name}
        context: /${name}
        provider: claude
        guardrails:
          - piiMasking: { email: true }
          - modelRotation: { ${more}, suspendDurationSeconds: 0, models: [${models}] }`;

before(async () => {
  [azure, claude] = await Promise.all([startAzureSimulator({ apiKey: key }), startAnthropicSimulator({ apiKey: key })]);
  system = await newSystem();
  await system.start();
  const keyFile = path.join(system.home, 'provider-key');
  await writeFile(keyFile, key, { mode: 0o600 });
  const gpt = '{ model: gpt-4o, provider: azure }';
  await system.apply(`
organization: sampleorganization
priceList:
  gpt-4o: { prompt: 2.50, completion: 10.00 }
  claude-sonnet-4-5: { prompt: 3.00, cachedPrompt: 0.30, cacheWrite: 3.75, completion: 15.00 }
providers:
  - { name: azure, type: azure-openai, endpoint: "${azure.address}", apiKey: { file: ${keyFile} }, models: [gpt-4o] }
  - name: claude
    type: anthropic
    endpoint: ${claude.address}
    apiKey: { file: ${keyFile} }
    models: [{ name: sonnet, deployment: claude-sonnet-4-5, baseModel: claude-sonnet-4-5 }]
projects:
  - name: sample-project
    teams: [{ name: engineering }]
    proxies:${proxy('turns', 'strategy: round-robin', `${gpt}, ${claudeModel}`)}${proxy('gpt-first', 'strategy: priority', `${gpt}, ${claudeModel}`)}${proxy('claude-first', 'strategy: priority', `${claudeModel}, ${gpt}`)}
`);
  gatewayUrl = (await system.status()).gatewayUrl;
  apiKey = (await system.createKey('engineering', 'anthropic')).key;
});
after(async () => {
  await system?.remove();
  await Promise.all([azure?.close(), claude?.close()]);
});
beforeEach(() => {
  azure.reset();
  claude.reset();
});

const clientOf = (context: string) => new OpenAI({ baseURL: `${gatewayUrl}/${context}/v1`, apiKey, maxRetries: 0 });
const question = { model: '', messages: [{ role: 'user' as const, content: 'What is the capital of France?' }] };

/** An answer, and who gave it. */
async function asked(context: string, more: object = {}) {
  const { data, response } = await clientOf(context)
    .chat.completions.create({ ...question, ...more, stream: false })
    .withResponse();
  return { data, by: response.headers.get('x-tollgate-model'), attempts: response.headers.get('x-tollgate-attempts') };
}

async function streamed(context: string, more: object = {}) {
  const { data, response } = await clientOf(context)
    .chat.completions.create({ ...question, ...more, stream: true, stream_options: { include_usage: true } })
    .withResponse();
  let text = '';
  let usage: OpenAI.CompletionUsage | null | undefined;
  for await (const chunk of data) {
    text += chunk.choices[0]?.delta.content ?? '';
    usage = chunk.usage ?? usage;
  }
  return { text, usage, by: response.headers.get('x-tollgate-model') };
}

test('they take turns, whole and streamed, and say what they used', async () => {
  for (const ask of [
    async () => {
      const { data, by } = await asked('turns');
      return { text: data.choices[0]?.message.content, usage: data.usage, by };
    },
    () => streamed('turns'),
  ]) {
    const answers = [await ask(), await ask()];
    assert.deepEqual(answers.map(({ by }) => by).sort(), ['gpt-4o', 'sonnet']);
    for (const { text, usage } of answers) {
      assert.match(text ?? '', /Paris/);
      assert.ok((usage?.prompt_tokens ?? 0) > 0 && (usage?.completion_tokens ?? 0) > 0);
    }
  }
});

for (const [first, context, other] of [
  ['gpt-4o', 'gpt-first', 'sonnet'],
  ['sonnet', 'claude-first', 'gpt-4o'],
] as const) {
  const simulator = () => (first === 'gpt-4o' ? azure : claude);

  for (const fault of [
    { kind: 'status', status: 429 },
    { kind: 'status', status: 529 },
    { kind: 'cut', afterChunks: 0 },
  ] as const) {
    test(`failover from ${first} to ${other}: ${fault.kind} ${'status' in fault ? fault.status : ''}`, async () => {
      assert.equal((await asked(context)).by, first);
      simulator().addFault(fault);
      const { data, by, attempts } = await asked(context);
      assert.deepEqual([by, attempts], [other, '2']);
      assert.match(data.choices[0]?.message.content ?? '', /Paris/);
      const stream = await streamed(context);
      assert.deepEqual([stream.by, stream.text], [other, 'The capital of France is Paris.']);
      const response = await clientOf(context)
        .responses.create({ input: 'What is the capital of Spain?' })
        .withResponse();
      assert.equal(response.response.headers.get('x-tollgate-model'), other);
      assert.match(response.data.output_text, /Madrid/);
    });
  }

  test(`a stream of ${first} that breaks after its first content raises`, async () => {
    simulator().addFault({ kind: 'cut', afterChunks: 3 });
    await assert.rejects(
      streamed(context, { messages: [{ role: 'user', content: 'Write 50 words' }] }),
      OpenAI.APIError,
    );
  });
}

test('what Anthropic does not have goes to who has it, or is refused by name', async () => {
  const { by, attempts } = await asked('claude-first', { seed: 7 });
  assert.deepEqual([by, attempts], ['gpt-4o', '1']);
  azure.addFault({ kind: 'status', status: 500 });
  await assert.rejects(asked('claude-first', { seed: 7 }), (error) => error instanceof OpenAI.InternalServerError);
  assert.equal(claude.calls().length, 0);
});

test('a conversation with tools goes on with the other one', async () => {
  const tools = [
    {
      type: 'function' as const,
      function: { name: 'weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } },
    },
  ];
  const user = { role: 'user' as const, content: 'call weather with {"city":"Paris"}' };
  for (const [first, second] of [
    ['gpt-first', 'claude-first'],
    ['claude-first', 'gpt-first'],
  ] as const) {
    const { data } = await asked(first, { messages: [user], tools });
    const message = data.choices[0]?.message;
    const [call] = message?.tool_calls ?? [];
    assert.ok(call?.type === 'function');
    assert.deepEqual(JSON.parse(call.function.arguments), { city: 'Paris' });
    const messages = [user, message, { role: 'tool', tool_call_id: call.id, content: 'sunny' }];
    const { data: end } = await asked(second, { messages, tools });
    assert.equal(end.choices[0]?.message.content, 'The tool answered: sunny');
  }
});

test('thoughts go back to Anthropic as it gave them, through the marks and seals of the gateway', async () => {
  const client = clientOf('claude-first');
  const fields = {
    tools: [
      {
        type: 'function' as const,
        name: 'weather',
        strict: false,
        parameters: { type: 'object', properties: { city: { type: 'string' } } },
      },
    ],
    reasoning: { effort: 'low' as const, summary: 'auto' as const },
    include: ['reasoning.encrypted_content' as const],
    store: false,
  };
  const input: OpenAI.Responses.ResponseInputItem[] = [{ role: 'user', content: 'call weather with {"city":"Paris"}' }];
  const stream = client.responses.stream({ ...fields, input });
  const first = await stream.finalResponse();
  const call = first.output.find((item) => item.type === 'function_call');
  assert.ok(call?.type === 'function_call');
  assert.deepEqual(
    first.output.map(({ type }) => type),
    ['reasoning', 'function_call'],
  );
  const result = { type: 'function_call_output' as const, call_id: call.call_id, output: 'sunny' };
  const second = await client.responses.create({
    ...fields,
    input: [...input, ...(first.output as OpenAI.Responses.ResponseInputItem[]), result],
  });
  assert.equal(second.output_text, 'The tool answered: sunny');
  const [, sent] = claude.calls();
  const [, assistant] = JSON.parse(sent?.body ?? '').messages;
  assert.deepEqual(
    assistant.content.map(({ type }: { type: string }) => type),
    ['thinking', 'tool_use'],
  );
  assert.match(assistant.content[0].signature, /^EqQBCgIYAhIM/, 'as the simulator signed it');
});

test('nothing is kept: an id finds nothing, and going on from one is a 400', async () => {
  const client = clientOf('claude-first');
  const { id } = await client.responses.create({ input: 'What is the capital of France?' });
  await assert.rejects(client.responses.retrieve(id), (error) => error instanceof OpenAI.NotFoundError);
  await assert.rejects(
    client.responses.create({ input: 'And of Spain?', previous_response_id: id }),
    (error) => error instanceof OpenAI.BadRequestError && error.code === 'previous_response_not_found',
  );
  const kept = await client.responses.create({ input: 'What is the capital of Italy?', store: true }).withResponse();
  assert.equal(kept.response.headers.get('x-tollgate-model'), 'gpt-4o', 'who keeps it answers');
});

test('personal data is masked before it is translated, and the ledger has who served', async () => {
  const { data, response } = await clientOf('claude-first')
    .chat.completions.create({ ...question, messages: [{ role: 'user', content: 'Repeat: ann@example.com' }] })
    .withResponse();
  assert.match(data.choices[0]?.message.content ?? '', /\[EMAIL_0000\]/);
  assert.doesNotMatch(claude.calls()[0]?.body ?? '', /ann@/);
  const id = response.headers.get('x-request-id');
  const row = await until('the row is there', async () => {
    const [found] = await system.sql<Record<string, string | number>>(
      `SELECT provider, model, status, prompt_tokens, cost_nano_usd FROM usage WHERE request_id = '${id}'`,
    );
    return found;
  });
  const { promptTokens, completionTokens } = claude.totals().all.issued;
  assert.deepEqual([row.provider, row.model, row.status], ['claude', 'sonnet', 'completed']);
  assert.equal(Number(row.prompt_tokens), promptTokens);
  assert.equal(Number(row.cost_nano_usd), promptTokens * 3000 + completionTokens * 15_000);
});
