import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import OpenAI, { AzureOpenAI, NotFoundError } from 'openai';
import { type System, sharedSystem } from '../support/system.ts';
import { until } from '../support/until.ts';

const apiVersion = '2025-04-01-preview';
const model = 'text-embedding-3-small';
let system: System;
let gatewayUrl: string;
let apiKey: string;
let clients: [string, OpenAI][];

before(async () => {
  system = sharedSystem();
  ({ gatewayUrl } = await system.status());
  apiKey = (await system.createKey('product', 'embeddings')).key;
  clients = [
    ['OpenAI', new OpenAI({ baseURL: `${gatewayUrl}/v1`, apiKey })],
    ['OpenAI below the context', new OpenAI({ baseURL: `${gatewayUrl}/enterprise-llm-proxy/v1`, apiKey })],
    ['AzureOpenAI', new AzureOpenAI({ endpoint: gatewayUrl, apiKey, apiVersion })],
  ];
});

function cosine(a: readonly number[], b: readonly number[]): number {
  const dot = (x: readonly number[], y: readonly number[]) => x.reduce((sum, one, at) => sum + one * (y[at] ?? 0), 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}

test('embeddings come as the clients ask for them, base64 or floats', async () => {
  for (const [name, client] of clients) {
    const input = [`The bridge of ${name}`, `Another bridge of ${name}`];
    const coded = await client.embeddings.create({ model, input });
    const floats = await client.embeddings.create({ model, input, encoding_format: 'float' });
    assert.equal(coded.data.length, 2, name);
    for (const [at, { embedding }] of coded.data.entries()) {
      assert.ok(embedding.length > 100, `${name}: ${embedding.length}`);
      const same = cosine(embedding, floats.data[at]?.embedding ?? []);
      assert.ok(same > 0.9999, `${name}: base64 and floats differ, ${same}`);
    }
  }
});

test('an embedding is masked, booked by its prompt tokens, and no cache keeps it', async () => {
  const client = new OpenAI({ baseURL: `${gatewayUrl}/v1`, apiKey });
  const input = ['Mail ada.vector@example.org today', 'and somebody else'];
  const { data, response } = await client.embeddings.create({ model, input }).withResponse();
  assert.equal(response.headers.get('x-cache-status'), 'BYPASS; reason=surface');
  assert.equal(response.headers.get('x-tollgate-model'), model);
  const calls = JSON.stringify(await (await system.simulator()).calls());
  assert.ok(!calls.includes('ada.vector@example.org'), 'the address went upstream');
  const id = response.headers.get('x-request-id');
  const row = await until('the row', async () => {
    const rows = await system.sql<Record<string, unknown>>(
      `SELECT surface, model, status, prompt_tokens, completion_tokens, cost_nano_usd, pii_entities, estimated
       FROM usage WHERE request_id = '${id}'`,
    );
    return rows[0];
  });
  const { prompt_tokens } = data.usage;
  assert.ok(prompt_tokens > 0);
  assert.equal(Number(response.headers.get('x-tollgate-cost-usd')), (prompt_tokens * 20) / 1e9);
  const { surface, status, pii_entities, estimated, ...figures } = row;
  assert.deepEqual(
    { surface, model: figures.model, status, pii_entities, estimated },
    { surface: 'embeddings', model, status: 'completed', pii_entities: { EMAIL: 1 }, estimated: false },
  );
  assert.deepEqual([figures.prompt_tokens, figures.completion_tokens, figures.cost_nano_usd].map(Number), [
    prompt_tokens,
    0,
    prompt_tokens * 20,
  ]);
});

test('tokens are refused where personal data is masked, and a model has to be named', async () => {
  const ask = async (body: unknown) => {
    const response = await fetch(`${gatewayUrl}/v1/embeddings`, {
      method: 'POST',
      headers: { 'x-api-key': apiKey, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    const { error } = (await response.json()) as { error: { code: string; param: string } };
    return [response.status, error.code, error.param];
  };
  assert.deepEqual(await ask({ model, input: [[1, 2, 3]] }), [400, 'invalid_request', 'input']);
  assert.deepEqual(await ask({ input: 'a' }), [400, 'invalid_request', 'model']);
  assert.deepEqual(await ask({ model }), [400, 'invalid_request', 'input']);
  assert.deepEqual(await ask({ model: 'nobody', input: 'a' }), [404, 'model_not_found', 'model']);
});

test('the models of a proxy are listed, one by one too, and only with a key', async () => {
  for (const [name, client] of clients) {
    const listed = await client.models.list();
    assert.deepEqual(
      listed.data.map(({ id, object, owned_by }) => [id, object, owned_by]),
      ['gpt-4o', 'gpt-4o-mini', model].map((id) => [id, 'model', 'azure-openai']),
      name,
    );
    assert.equal((await client.models.retrieve('gpt-4o-mini')).id, 'gpt-4o-mini');
    await assert.rejects(client.models.retrieve('nobody'), NotFoundError);
  }
  const without = await fetch(`${gatewayUrl}/v1/models`);
  assert.equal(without.status, 401);
  await without.body?.cancel();
});
