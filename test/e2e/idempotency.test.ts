import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { before, test } from 'node:test';
import type { RemoteAzureSimulator } from '@tollgate/testing/azure';
import OpenAI from 'openai';
import { type System, sharedSystem } from '../support/system.ts';
import { until } from '../support/until.ts';

// A retry with the same idempotency-key is no second call. Several ingresses, kills and large answers: test/long/idempotency.test.ts.

let system: System;
let gatewayUrl: string;
let key: string;
let simulator: RemoteAzureSimulator;

before(async () => {
  system = sharedSystem();
  ({ gatewayUrl } = await system.status());
  ({ key } = await system.createKey('product', 'idempotency'));
  simulator = await system.simulator();
});

interface Row {
  request_id: string;
  status: string;
  delivered: string;
  cost: number;
  billed: number;
  served: number;
}

/** The rows of these requests, once all are there. */
function rowsOf(...requestIds: (string | null)[]): Promise<Row[]> {
  const ids = requestIds.map((id) => `'${id}'`).join();
  return until('their rows', async () => {
    const rows = await system.sql<Row>(
      `SELECT request_id, status, delivered, toInt32(cost_nano_usd) AS cost, toInt32(completion_tokens) AS billed,
         toInt32(served_completion_tokens) AS served FROM usage WHERE request_id IN (${ids}) ORDER BY started_at`,
    );
    return rows.length === requestIds.length ? rows : undefined;
  });
}

test('the official client: a retry reads the same answer, is charged nothing, and another body is refused', async () => {
  const client = new OpenAI({ baseURL: `${gatewayUrl}/v1`, apiKey: key, maxRetries: 0 });
  const headers = { 'Idempotency-Key': randomUUID(), 'x-tollgate-cache': 'no-store' };
  const ask = (content: string, options: object) =>
    client.chat.completions.create({ model: 'gpt-4o', messages: [{ role: 'user', content }] }, options).withResponse();
  const first = await ask('What is asked once?', { headers });
  const again = await ask('What is asked once?', { headers });
  assert.deepEqual(again.data, first.data, 'its id and its time, too');
  const of = (answer: typeof first, name: string) => answer.response.headers.get(name);
  assert.equal(of(again, 'x-tollgate-replay-of'), of(first, 'x-request-id'));
  assert.equal(of(again, 'x-tollgate-cost-usd'), '0');
  assert.equal(of(again, 'x-tollgate-model'), of(first, 'x-tollgate-model'));
  assert.match(of(again, 'x-cache-status') ?? '', /^BYPASS; reason=idempotency-key$/);
  const mismatch = { status: 400, code: 'idempotency_mismatch', param: 'idempotency-key' };
  await assert.rejects(ask('What is asked once more?', { headers }), mismatch);
  const other = await ask('What is asked once?', { headers: { ...headers, 'Idempotency-Key': randomUUID() } });
  assert.notEqual(other.data.id, first.data.id, 'another key is another call');

  const [called, replayed] = await rowsOf(of(first, 'x-request-id'), of(again, 'x-request-id'));
  assert.ok(called && replayed && called.cost > 0 && called.billed > 0);
  assert.equal(called.status, 'completed');
  assert.deepEqual(
    { ...replayed, request_id: '' },
    { request_id: '', status: 'replayed', delivered: 'complete', cost: 0, billed: 0, served: called.served },
  );
});

test("another team's key of the same name is another key", async () => {
  const { key: others } = await system.createKey('sales', 'idempotency');
  const idempotencyKey = randomUUID();
  const ask = async (apiKey: string) => {
    const client = new OpenAI({ baseURL: `${gatewayUrl}/v1`, apiKey, maxRetries: 0 });
    const headers = { 'idempotency-key': idempotencyKey, 'x-tollgate-cache': 'no-store' };
    return (await client.responses.create({ model: 'gpt-4o', input: `Whose is it? ${apiKey === key}` }, { headers }))
      .id;
  };
  assert.notEqual(await ask(key), await ask(others));
});

test('a caller leaves a stream: its retry gets the whole of it, from the beginning', { timeout: 60_000 }, async () => {
  const gate = `idempotency-${randomUUID()}`;
  const content = `Repeat that whoever comes back reads all of it [[sim ${JSON.stringify({ gate })}]]`;
  const ask = (signal?: AbortSignal) =>
    fetch(`${gatewayUrl}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-api-key': key, 'idempotency-key': gate },
      body: JSON.stringify({ model: 'gpt-4o', stream: true, messages: [{ role: 'user', content }] }),
      ...(signal && { signal }),
    });
  const leaves = new AbortController();
  const asked = ask(leaves.signal);
  await simulator.openGate(gate);
  const first = await asked;
  const reader = (first.body as ReadableStream<Uint8Array>).getReader();
  const begun = Buffer.from((await reader.read()).value as Uint8Array).toString();
  leaves.abort();
  // What ingress answers now it answers after it saw the caller leave: on a busy machine the rest could have been written before.
  await (await fetch(`${gatewayUrl}/v1/models`, { headers: { 'x-api-key': key } })).text();
  const retried = ask();
  await simulator.openGate(gate, 1000);
  const retry = await retried;
  assert.equal(retry.status, 200);
  assert.match(retry.headers.get('content-type') ?? '', /^text\/event-stream/);
  const text = await retry.text();
  assert.ok(text.startsWith(begun), 'what the first caller had read stands at its beginning');
  assert.match(text, /data: \[DONE\]\n\n$/);
  const said = [...text.matchAll(/"delta":\{"content":"([^"]*)"/g)].map(([, word]) => word).join('');
  assert.match(said, /whoever comes back reads all of it/);
  const [called, replayed] = await rowsOf(first.headers.get('x-request-id'), retry.headers.get('x-request-id'));
  assert.deepEqual([called?.status, called?.delivered, replayed?.status], ['completed', 'partial', 'replayed']);
  assert.deepEqual([(called?.cost ?? 0) > 0, replayed?.cost], [true, 0]);
});

test('what failed before it was charged is asked anew', async () => {
  const idempotencyKey = randomUUID();
  const ask = (body: object) =>
    fetch(`${gatewayUrl}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-api-key': key, 'idempotency-key': idempotencyKey },
      body: JSON.stringify(body),
    });
  const messages = [{ role: 'user', content: `Asked anew ${idempotencyKey}` }];
  assert.equal((await ask({ model: 'no-such-model', messages })).status, 404);
  assert.equal((await ask({ model: 'gpt-4o', messages, temperature: 9 })).status, 400, "the provider's own refusal");
  const good = { model: 'gpt-4o', messages };
  assert.equal((await ask(good)).status, 200, 'another body is none where nothing was answered');
  assert.ok((await ask(good)).headers.get('x-tollgate-replay-of'));
});

test('a key that is empty, too long or not printable is refused at the door', async () => {
  for (const value of ['', 'x'.repeat(256), 'caf\u00e9']) {
    const { status } = await fetch(`${gatewayUrl}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-api-key': key, 'idempotency-key': value },
      body: '{}',
    });
    assert.equal(status, 400, value);
  }
  const listed = await fetch(`${gatewayUrl}/v1/models`, { headers: { 'x-api-key': key, 'idempotency-key': 'a' } });
  assert.equal(listed.status, 200, 'where nothing is made it says nothing');
});
