import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import OpenAI, { AzureOpenAI } from 'openai';
import { type System, sharedSystem } from '../support/system.ts';
import { until } from '../support/until.ts';

// The official client, changed in nothing but base URL and key.

const apiVersion = '2025-04-01-preview';
let system: System;
let gatewayUrl: string;
let apiKey: string;

before(async () => {
  system = sharedSystem();
  ({ gatewayUrl } = await system.status());
  apiKey = (await system.createKey('engineering', 'openai-sdk')).key;
});

const clients: [string, () => OpenAI][] = [
  ['OpenAI at the root', () => new OpenAI({ baseURL: `${gatewayUrl}/v1`, apiKey })],
  ['OpenAI at /openai/v1', () => new OpenAI({ baseURL: `${gatewayUrl}/openai/v1`, apiKey })],
  ['OpenAI below the context', () => new OpenAI({ baseURL: `${gatewayUrl}/enterprise-llm-proxy/v1`, apiKey })],
  ['AzureOpenAI at the root', () => new AzureOpenAI({ endpoint: gatewayUrl, apiKey, apiVersion })],
  [
    'AzureOpenAI below the context',
    () => new AzureOpenAI({ endpoint: `${gatewayUrl}/enterprise-llm-proxy`, apiKey, apiVersion }),
  ],
  [
    'AzureOpenAI with a deployment',
    () => new AzureOpenAI({ endpoint: gatewayUrl, apiKey, apiVersion, deployment: 'gpt-4o-mini' }),
  ],
];

/** One pixel. */
const png = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const cities =
  'Lisbon Madrid Paris London Dublin Oslo Helsinki Riga Warsaw Prague Vienna Rome Athens Sofia Cairo Lagos'.split(' ');

for (const [name, client] of clients) {
  test(`${name}: chat, JSON and stream`, async () => {
    const messages = [{ role: 'user' as const, content: `What is the capital of France, ${name}?` }];
    const answer = await client().chat.completions.create({ model: 'gpt-4o', messages });
    const text = answer.choices[0]?.message.content ?? '';
    assert.ok(text.length > 0);
    assert.ok((answer.usage?.completion_tokens ?? 0) > 0);

    const stream = await client().chat.completions.create({
      model: 'gpt-4o',
      messages: [{ role: 'user', content: `Stream to ${name}` }],
      stream: true,
    });
    let streamed = '';
    for await (const chunk of stream) {
      assert.equal(chunk.usage ?? null, null, 'usage that nobody asked for is hidden');
      streamed += chunk.choices[0]?.delta?.content ?? '';
    }
    assert.ok(streamed.length > 0);
  });

  test(`${name}: responses, JSON and stream`, async () => {
    const answer = await client().responses.create({ model: 'gpt-4o', input: `Say hello to ${name}` });
    assert.ok(answer.output_text.length > 0);
    assert.match(answer.id, /^resp_/);

    const types: string[] = [];
    let streamed = '';
    for await (const event of await client().responses.create({
      model: 'gpt-4o',
      input: `Stream hello to ${name}`,
      stream: true,
    })) {
      types.push(event.type);
      if (event.type === 'response.output_text.delta') streamed += event.delta;
    }
    assert.equal(types[0], 'response.created');
    assert.equal(types.at(-1), 'response.completed');
    assert.ok(streamed.length > 0);
  });
}

test('a caller that asks for usage in a stream gets it', async () => {
  const client = new OpenAI({ baseURL: `${gatewayUrl}/v1`, apiKey });
  const stream = await client.chat.completions.create({
    model: 'gpt-4o',
    messages: [{ role: 'user', content: 'Usage, please' }],
    stream: true,
    stream_options: { include_usage: true },
  });
  const usages = [];
  for await (const chunk of stream) if (chunk.usage) usages.push(chunk.usage);
  assert.equal(usages.length, 1);
  assert.ok((usages[0]?.prompt_tokens ?? 0) > 0);
});

test('a caller that refuses usage in a stream is shown none, and is metered as exactly', async () => {
  const client = new OpenAI({ baseURL: `${gatewayUrl}/v1`, apiKey });
  const { data: stream, response } = await client.chat.completions
    .create({
      model: 'gpt-4o',
      messages: [{ role: 'user', content: 'No usage, please' }],
      stream: true,
      stream_options: { include_usage: false },
    })
    .withResponse();
  for await (const chunk of stream) {
    assert.ok(chunk.choices.length > 0, 'no chunk of usage alone');
    assert.equal(chunk.usage ?? null, null);
  }
  const id = response.headers.get('x-request-id') ?? '';
  const calls = await (await system.simulator()).calls();
  const issued = calls.find(({ headers }) => headers['x-ms-client-request-id'] === id)?.usage;
  assert.ok(issued && issued.completionTokens > 0);
  const row = await until('the row', async () => {
    const rows = await system.sql<Record<string, unknown>>(
      `SELECT model, prompt_tokens, completion_tokens, cost_nano_usd, estimated FROM usage WHERE request_id = '${id}'`,
    );
    return rows[0];
  });
  const { promptTokens, completionTokens } = issued;
  const [prompt, completion]: [number, number] = row.model === 'gpt-4o' ? [2500, 10_000] : [150, 600];
  assert.deepEqual([row.prompt_tokens, row.completion_tokens, row.cost_nano_usd, row.estimated].map(Number), [
    promptTokens,
    completionTokens,
    promptTokens * prompt + completionTokens * completion,
    0,
  ]);
});

for (const stream of [false, true]) {
  test(`choices, logprobs and an image pass ${stream ? 'in a stream' : 'as JSON'}, and are metered`, async () => {
    const client = new OpenAI({ baseURL: `${gatewayUrl}/v1`, apiKey });
    const image = {
      type: 'image_url' as const,
      image_url: { url: `data:image/png;base64,${png}`, detail: 'low' as const },
    };
    const question = { type: 'text' as const, text: `What is in this picture, ${stream ? 'bit by bit' : 'at once'}?` };
    const asked = {
      model: 'gpt-4o',
      messages: [{ role: 'user' as const, content: [question, image] }],
      ...{ n: 3, logprobs: true, top_logprobs: 2, seed: 7 },
    };
    const texts = ['', '', ''];
    const tokens = ['', '', ''];
    const take = (index: number, text: string, content: readonly { token: string; top_logprobs: object[] }[]) => {
      texts[index] += text;
      for (const { token, top_logprobs } of content) {
        tokens[index] += token;
        assert.equal(top_logprobs.length, 2);
      }
    };
    let id = '';
    if (stream) {
      const { data, response } = await client.chat.completions.create({ ...asked, stream: true }).withResponse();
      id = response.headers.get('x-request-id') ?? '';
      for await (const { choices } of data)
        for (const { index, delta, logprobs } of choices) take(index, delta?.content ?? '', logprobs?.content ?? []);
    } else {
      const { data, response } = await client.chat.completions.create(asked).withResponse();
      id = response.headers.get('x-request-id') ?? '';
      for (const { index, message, logprobs } of data.choices)
        take(index, message.content ?? '', logprobs?.content ?? []);
    }
    assert.equal(new Set(texts).size, 3);
    assert.deepEqual(tokens, texts, 'each choice has the logprobs of its own text');
    const calls = await (await system.simulator()).calls();
    const call = calls.find(({ headers }) => headers['x-ms-client-request-id'] === id);
    const { model: _, stream: __, stream_options: ___, ...sent } = JSON.parse(call?.body ?? '{}');
    const { model: ____, ...expected } = asked;
    assert.deepEqual(sent, expected);
    const row = await until('the row', async () => {
      const rows = await system.sql<Record<string, number>>(
        `SELECT prompt_tokens, completion_tokens FROM usage WHERE request_id = '${id}'`,
      );
      return rows[0];
    });
    const { promptTokens, completionTokens } = call?.usage ?? {};
    assert.deepEqual([row.prompt_tokens, row.completion_tokens].map(Number), [promptTokens, completionTokens]);
  });
}

test('x-tollgate-cache: what is there or nothing; anew, kept or not', async () => {
  const client = new OpenAI({ baseURL: `${gatewayUrl}/v1`, apiKey, maxRetries: 0 });
  const simulator = await system.simulator();
  /** How the cache stood to it, and how often the provider was asked the question until now. */
  const ask = async (content: string, control?: string) => {
    const { response } = await client.chat.completions
      .create(
        { model: 'gpt-4o', messages: [{ role: 'user', content }] },
        { headers: control ? { 'x-tollgate-cache': control } : {} },
      )
      .withResponse();
    const calls = (await simulator.calls()).filter(({ body }) => body.includes(content));
    return [response.headers.get('x-cache-status'), calls.length];
  };
  const isMiss = (error: unknown) => error instanceof OpenAI.NotFoundError && error.code === 'cache_miss';
  const [kept, unkept] = ['Which river runs through Vienna?', 'Which mountain stands above Naples?'];
  await assert.rejects(ask(kept, 'only-if-cached'), isMiss);
  assert.deepEqual(await ask(kept, 'no-cache'), ['BYPASS; reason=no-cache', 1]);
  assert.deepEqual(await ask(kept, 'only-if-cached'), ['HIT', 1]);
  assert.deepEqual(await ask(kept, 'no-cache'), ['BYPASS; reason=no-cache', 2]);
  assert.deepEqual(await ask(kept), ['HIT', 2]);
  assert.deepEqual(await ask(unkept, 'no-store'), ['BYPASS; reason=no-store', 1]);
  await assert.rejects(ask(unkept, 'only-if-cached'), isMiss);
});

test('the caller’s own x-request-id stands in its row', async () => {
  const client = new OpenAI({ baseURL: `${gatewayUrl}/v1`, apiKey });
  const own = 'from-the-app-0815';
  const { response } = await client.chat.completions
    .create(
      { model: 'gpt-4o', messages: [{ role: 'user', content: 'Whose request is this?' }] },
      { headers: { 'x-request-id': own } },
    )
    .withResponse();
  const id = response.headers.get('x-request-id') ?? '';
  assert.ok(id !== '' && id !== own);
  await until('the row', async () => {
    const rows = await system.sql(`SELECT 1 FROM usage WHERE request_id = '${id}' AND client_request_id = '${own}'`);
    return rows[0];
  });
});

test('a hit of a stream has the shape of a stream, and a hit of JSON that of JSON', async () => {
  const client = new OpenAI({ baseURL: `${gatewayUrl}/v1`, apiKey });
  const messages = [{ role: 'user' as const, content: 'Which shape has a cached answer?' }];
  const whole = await client.chat.completions.create({ model: 'gpt-4o', messages });
  const { data: stream, response } = await client.chat.completions
    .create({ model: 'gpt-4o', messages, stream: true })
    .withResponse();
  assert.equal(response.headers.get('x-cache-status'), 'HIT');
  let streamed = '';
  for await (const chunk of stream) streamed += chunk.choices[0]?.delta?.content ?? '';
  assert.equal(streamed, whole.choices[0]?.message.content);
});

test('a repeat sent the moment an answer has ended is a hit: it does not race the fill', async () => {
  const client = new OpenAI({ baseURL: `${gatewayUrl}/v1`, apiKey });
  for (const city of cities) {
    for (const stream of [false, true]) {
      const ask = async () => {
        const messages = [{ role: 'user' as const, content: `${stream ? 'Tell' : 'Show'} me the way to ${city}` }];
        const { data, response } = await client.chat.completions
          .create({ model: 'gpt-4o', messages, stream })
          .withResponse();
        if ('toReadableStream' in data) for await (const _ of data);
        return response.headers.get('x-cache-status');
      };
      assert.deepEqual([await ask(), await ask()], ['MISS', 'HIT'], `${city}, ${stream ? 'stream' : 'JSON'}`);
    }
  }
});

test('a wrong key raises AuthenticationError, an unknown model NotFoundError', async () => {
  const wrong = new OpenAI({ baseURL: `${gatewayUrl}/v1`, apiKey: 'tg_wrong', maxRetries: 0 });
  await assert.rejects(wrong.responses.create({ model: 'gpt-4o', input: 'x' }), OpenAI.AuthenticationError);
  const client = new OpenAI({ baseURL: `${gatewayUrl}/v1`, apiKey, maxRetries: 0 });
  await assert.rejects(
    client.responses.create({ model: 'no-such-model', input: 'x' }),
    (error: InstanceType<typeof OpenAI.NotFoundError>) => {
      assert.ok(error instanceof OpenAI.NotFoundError);
      assert.equal(error.code, 'model_not_found');
      return true;
    },
  );
});
