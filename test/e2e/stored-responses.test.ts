import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import OpenAI, { AzureOpenAI } from 'openai';
import { type System, sharedSystem } from '../support/system.ts';
import { until } from '../support/until.ts';

// Responses that the provider keeps, by their id and as what a conversation goes on from, with the official client. Which resource
// keeps them when there are several, and what happens when it is away: test/long/response-affinity.test.ts.

const apiVersion = '2025-04-01-preview';
let system: System;
let gatewayUrl: string;
let keys: Record<'engineering' | 'product' | 'sales', string>;
let client: OpenAI;
let others: OpenAI;

before(async () => {
  system = sharedSystem();
  ({ gatewayUrl } = await system.status());
  const keyOf = async (team: string) => (await system.createKey(team, 'stored-responses')).key;
  keys = { engineering: '', product: await keyOf('product'), sales: await keyOf('sales') };
  client = clientOf(keys.product);
  others = clientOf(keys.sales);
});

const clientOf = (apiKey: string) => new OpenAI({ baseURL: `${gatewayUrl}/v1`, apiKey, maxRetries: 0 });
const notFound = { status: 404, code: 'not_found', param: 'response_id' };
const previousNotFound = { status: 400, code: 'previous_response_not_found', param: 'previous_response_id' };

/** The last response of a stream, with the names that all of its events gave it. */
async function streamed(from: OpenAI, body: { input: string; previous_response_id?: string; store?: boolean }) {
  const names = new Set<string>();
  let last: OpenAI.Responses.Response | undefined;
  for await (const event of await from.responses.create({ model: 'gpt-4o', stream: true, ...body })) {
    if (!('response' in event)) continue;
    names.add(event.response.id);
    last = event.response;
  }
  assert.ok(last);
  assert.deepEqual([...names], [last.id], 'one name in all events');
  return last;
}

const surfaces: [string, () => OpenAI][] = [
  ['OpenAI', () => client],
  [
    'OpenAI below the context',
    () => new OpenAI({ baseURL: `${gatewayUrl}/enterprise-llm-proxy/openai/v1`, apiKey: keys.product }),
  ],
  ['AzureOpenAI', () => new AzureOpenAI({ endpoint: gatewayUrl, apiKey: keys.product, apiVersion })],
];

for (const [name, make] of surfaces) {
  test(`${name}: create, retrieve, list what went in, go on, delete`, async () => {
    const from = make();
    const first = await from.responses.create({
      model: 'gpt-4o',
      input: `Remember the name ${name}`,
      metadata: { of: name },
    });
    assert.match(first.id, /^resp_[\w-]{100,200}$/);
    const kept = await from.responses.retrieve(first.id);
    assert.deepEqual([kept.id, kept.output_text, kept.metadata], [first.id, first.output_text, { of: name }]);
    const items = await from.responses.inputItems.list(first.id, { limit: 10, order: 'asc' });
    assert.deepEqual(
      items.data.map((item) => 'content' in item && item.content),
      [`Remember the name ${name}`],
    );
    const second = await from.responses.create({ model: 'gpt-4o', input: 'Repeat it', previous_response_id: first.id });
    assert.equal(second.previous_response_id, first.id, "the caller's own name of it");
    const third = await streamed(from, { input: 'And again', previous_response_id: second.id });
    assert.equal(third.previous_response_id, second.id);
    // Two turns and their answers are part of the third's prompt.
    assert.ok((third.usage?.input_tokens ?? 0) > (first.usage?.input_tokens ?? 0) * 2);
    const read = await from.responses.retrieve(third.id);
    assert.equal(read.id, third.id);
    const fourth = { model: 'gpt-4o', input: 'From before', previous_response_id: read.previous_response_id };
    assert.ok((await from.responses.create(fourth)).id, 'what a retrieved response names can be gone on from');

    await assert.rejects(from.responses.cancel(first.id), {
      status: 400,
      message: /Cannot cancel a synchronous response/,
    });
    await from.responses.delete(first.id);
    await assert.rejects(from.responses.retrieve(first.id), (error: InstanceType<typeof OpenAI.NotFoundError>) => {
      assert.ok(error instanceof OpenAI.NotFoundError);
      assert.ok(error.message.includes(first.id), `the caller's own name of it: ${error.message}`);
      return true;
    });
    const goneOn = from.responses.create({ model: 'gpt-4o', input: 'Go on', previous_response_id: first.id });
    await assert.rejects(goneOn, { ...previousNotFound, message: new RegExp(first.id) });
  });
}

test('no id of the provider ever reaches the caller', async () => {
  const response = await fetch(`${gatewayUrl}/v1/responses`, {
    method: 'POST',
    headers: { 'x-api-key': keys.product, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'gpt-4o', input: 'Whose id is this?', stream: true, store: true }),
  });
  const text = await response.text();
  assert.doesNotMatch(text, /resp_[0-9a-f]{50}\b/);
  const [, id] = /"id":"(resp_[^"]+)"/.exec(text) ?? [];
  const read = await fetch(`${gatewayUrl}/v1/responses/${id}`, { headers: { 'x-api-key': keys.product } });
  assert.doesNotMatch(await read.text(), /resp_[0-9a-f]{50}\b/);
});

test('a turn too large to be read beside others goes on all the same, masked, with names of its own', async () => {
  const { id } = await client.responses.create({ model: 'gpt-4o', input: 'The first of two' });
  const text = `Repeat ${'word '.repeat(80_000)}`;
  const goOn = { model: 'gpt-4o', input: `${text}bob.large@example.org`, previous_response_id: id };
  const whole = await client.responses.create(goOn);
  assert.ok(whole.output_text === `${text}[EMAIL_0000]`, `${whole.output_text.length} characters`);
  assert.equal(whole.previous_response_id, id);
  assert.equal((await client.responses.retrieve(whole.id)).id, whole.id);
  const last = await streamed(client, goOn);
  assert.equal(last.previous_response_id, id);
  assert.equal((await client.responses.retrieve(last.id)).id, last.id);
});

test("another team's key finds nothing, and is told what anybody is told who made the id up", async () => {
  const { id } = await client.responses.create({ model: 'gpt-4o', input: 'A secret of the product team' });
  for (const asked of [id, `resp_${'A'.repeat(150)}`, 'resp_67ccd2bed1ec8190b14f964abc0542670bb6a6b452d3795b']) {
    await assert.rejects(others.responses.retrieve(asked), notFound);
    await assert.rejects(others.responses.inputItems.list(asked).then(), notFound);
    await assert.rejects(others.responses.cancel(asked), notFound);
    await assert.rejects(others.responses.delete(asked), notFound);
    const goOn = { model: 'gpt-4o', input: 'What was it?', previous_response_id: asked };
    await assert.rejects(others.responses.create(goOn), previousNotFound);
    await assert.rejects(streamed(others, { input: 'What was it?', previous_response_id: asked }), previousNotFound);
  }
  assert.equal((await client.responses.retrieve(id)).id, id, 'it is still there');
  const without = clientOf('tg_wrong');
  await assert.rejects(without.responses.retrieve(id), OpenAI.AuthenticationError);
  await assert.rejects(without.responses.retrieve('resp_1'), OpenAI.AuthenticationError);
});

test('the hit of a cache has an id of its own, from which its team can go on; it is not kept itself', async () => {
  const ask = (from: OpenAI) =>
    from.responses.create({ model: 'gpt-4o', input: 'What does a cached answer go on from?' }).withResponse();
  const { data: made } = await ask(client);
  const { data: hit, response } = await ask(client);
  assert.equal(response.headers.get('x-cache-status'), 'HIT');
  assert.notEqual(hit.id, made.id);
  const goOn = { model: 'gpt-4o', input: 'Then go on', previous_response_id: hit.id };
  const { data: next, response: answered } = await client.responses.create(goOn).withResponse();
  assert.equal(answered.headers.get('x-cache-status'), 'BYPASS; reason=stateful');
  assert.equal(next.previous_response_id, hit.id);
  assert.equal((await client.responses.retrieve(made.id)).id, made.id);
  await assert.rejects(client.responses.retrieve(hit.id), { ...notFound, message: /from the cache/ });
  await assert.rejects(client.responses.delete(hit.id), notFound);
  await assert.rejects(others.responses.create(goOn), previousNotFound);
});

test('what is not kept cannot be gone on from, nor made in the background, and has no events by its id', async () => {
  const { id } = await streamed(client, { input: 'Forget this', store: false });
  await assert.rejects(client.responses.retrieve(id), OpenAI.NotFoundError);
  const goOn = client.responses.create({ model: 'gpt-4o', input: 'Go on', previous_response_id: id });
  await assert.rejects(goOn, previousNotFound);
  const background = client.responses.create({ model: 'gpt-4o', input: 'Later', background: true, store: false });
  await assert.rejects(background, { status: 400, code: 'invalid_request', param: 'background' });
  const { id: kept } = await client.responses.create({ model: 'gpt-4o', input: 'Keep this' });
  const resumed = client.responses.retrieve(kept, { stream: true });
  await assert.rejects(resumed, { status: 400, code: 'invalid_request', param: 'stream' });
});

test('personal data stays masked in what is kept, and a call by id is one row that costs nothing', async () => {
  const input = 'Repeat ada.stored@example.org';
  const { id } = await client.responses.create({ model: 'gpt-4o', input });
  const { data, response } = await client.responses.retrieve(id).withResponse();
  assert.equal(data.output_text, 'Repeat [EMAIL_0000]');
  const items = await client.responses.inputItems.list(id);
  assert.doesNotMatch(JSON.stringify(items.data), /ada\.stored/);
  assert.equal(response.headers.get('x-tollgate-cost-usd'), '0');
  const requestId = response.headers.get('x-request-id');
  const row = await until('the row', async () => {
    const rows = await system.sql<Record<string, unknown>>(
      `SELECT surface, status, http_status, provider, model, team, toFloat64(prompt_tokens + completion_tokens + cost_nano_usd) AS used,
       estimated, count() OVER () AS n FROM usage WHERE request_id = '${requestId}'`,
    );
    return rows[0];
  });
  assert.deepEqual(
    { ...row, n: Number(row.n) },
    {
      ...{ surface: 'stored_responses', status: 'completed', http_status: 200, provider: 'azure-openai', model: '' },
      ...{ team: 'product', used: 0, estimated: false, n: 1 },
    },
  );
});
