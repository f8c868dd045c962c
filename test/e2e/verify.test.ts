import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import type { RemoteAzureSimulator } from '@tollgate/testing/azure';
import { curl } from '../support/curl.ts';
import { type Status, type System, sharedSystem } from '../support/system.ts';
import { until } from '../support/until.ts';

// The guide's Verify section, its curl lines as they stand: only host, key, model name and API version are put in, and
// a real address for its email.

const email = 'jane.doe@example.com';
let system: System;
let status: Status;
let simulator: RemoteAzureSimulator;
let host: string;
let key: string;
let keyId: string;

before(async () => {
  system = sharedSystem();
  status = await system.status();
  simulator = await system.simulator();
  await simulator.reset();
  host = status.gatewayTlsUrl.replace('https://', '');
  ({ key, id: keyId } = await system.createKey('product', 'verify-walk'));
});

/** Of the header that tells where the time went. */
function stagesOf({ headers }: { headers: Map<string, string> }): string[] {
  return (headers.get('server-timing') ?? '').split(', ').map((entry) => entry.replace(/;dur=[\d.]+$/, ''));
}

test('the proxy is reachable', async () => {
  const answer = await curl(`curl -k -v -X POST \\
"https://${host}/openai/responses?api-version=2025-04-01-preview" \\
  -H "Content-Type: application/json" \\
  -H "X-API-Key: ${key}" \\
  -d '{
    "model": "gpt-4o",
    "input": "What is the capital of France?"
  }'`);
  assert.equal(answer.status, 200, answer.body);
  assert.match(JSON.parse(answer.body).output[0].content[0].text, /Paris/);
  assert.equal(answer.headers.get('x-cache-status'), 'MISS');
  assert.match(answer.headers.get('x-request-id') ?? '', /^req_/);
});

test('unauthenticated requests are rejected, without a key and with a wrong one', async () => {
  const without = await curl(`curl -k -v -X POST https://${host}/openai/responses \\
-H "Content-Type: application/json" \\
   -d '{"model": "gpt-4o", "input": "Hello"}'`);
  assert.equal(without.status, 401);
  const wrong = await curl(`curl -k -v -X POST https://${host}/openai/responses \\
-H "Content-Type: application/json" -H "X-API-Key: tg_${'0'.repeat(64)}" \\
   -d '{"model": "gpt-4o", "input": "Hello"}'`);
  assert.equal(wrong.status, 401);
  assert.equal(wrong.headers.get('server-timing'), undefined);
  const { error } = JSON.parse(wrong.body);
  assert.equal(error.code, 'invalid_api_key');
  assert.equal(error.message, JSON.parse(without.body).error.message);
});

test('the second identical prompt is served from the cache, without a call upstream', async () => {
  const line = `curl -k -v -X POST https://${host}/openai/responses \\
  -H "Content-Type: application/json" \\
  -H "X-API-Key: ${key}" \\
  -d '{
    "model": "gpt-4o",
    "input": "Hello !!"
  }'`;
  const first = await curl(line);
  assert.equal(first.status, 200, first.body);
  assert.deepEqual(stagesOf(first), ['auth', 'pii', 'cache', 'router', 'upstream']);
  const callsBefore = (await simulator.calls()).length;
  const second = await curl(line);
  assert.equal(second.headers.get('x-cache-status'), 'HIT');
  assert.deepEqual(stagesOf(second), ['auth', 'pii', 'cache']);
  assert.equal((await simulator.calls()).length, callsBefore);
  const [one, two] = [JSON.parse(first.body), JSON.parse(second.body)];
  assert.equal(two.output[0].content[0].text, one.output[0].content[0].text);
  assert.notEqual(two.id, one.id);
});

test('a similar prompt is served from the cache, another one is not', async () => {
  const ask = (input: string) =>
    curl(
      `curl -k -v -X POST https://${host}/openai/responses -H "Content-Type: application/json" -H "X-API-Key: ${key}" -d '${JSON.stringify({ input }).replaceAll("'", "'\\''")}'`,
    );
  const similar = await ask("what's the capital of France");
  assert.equal(similar.headers.get('x-cache-status'), 'HIT');
  const other = await ask('What is the capital of Germany?');
  assert.equal(other.headers.get('x-cache-status'), 'MISS');
});

test('an email address never reaches upstream, and the answer shows its placeholder', async () => {
  const answer = await curl(`curl -k -v -X POST https://${host}/openai/responses \\
  -H "Content-Type: application/json" \\
  -H "X-API-Key: ${key}" \\
  -d '{
    "model": "gpt-4o",
    "input": "Repeat the email address I just gave you: ${email}"
  }'`);
  assert.equal(answer.status, 200, answer.body);
  const text = JSON.parse(answer.body).output[0].content[0].text as string;
  assert.ok(text.includes('[EMAIL_0000]'), text);
  const calls = await simulator.calls();
  assert.ok(calls.length > 0);
  assert.ok(!JSON.stringify(calls).includes(email));
});

test('six requests alternate over two models', async () => {
  const served: (string | undefined)[] = [];
  for (let number = 0; number < 6; number++) {
    const answer = await curl(
      `curl -k -v -X POST https://${host}/openai/responses -H "Content-Type: application/json" -H "X-API-Key: ${key}" -H "x-tollgate-cache: no-store" -d '{"model":"gpt-4o","input":"Turn ${number}"}'`,
    );
    assert.equal(answer.status, 200, answer.body);
    served.push(answer.headers.get('x-tollgate-model'));
  }
  assert.equal(new Set(served.slice(0, 2)).size, 2, served.join());
  for (let number = 2; number < 6; number++) assert.equal(served[number], served[number - 2], served.join());
});

test('the ledger has one row a request, with the tokens that the provider issued', async () => {
  interface Row {
    requests: number;
    ids: number;
    prompt: number;
    completion: number;
  }
  const query = `SELECT count() AS requests, uniqExact(request_id) AS ids, sum(prompt_tokens) AS prompt, sum(completion_tokens) AS completion FROM usage WHERE key_id = '${keyId}' AND status IN ('completed', 'cached')`;
  // Three single questions, one of them twice, one similar, one other, the email, six turns: 12 rows of 200.
  const row = await until('12 rows in the ledger', async () => {
    const [found] = await system.sql<Row>(query);
    return found && Number(found.requests) >= 12 ? found : undefined;
  });
  assert.equal(Number(row.requests), Number(row.ids));
  assert.equal(Number(row.requests), 12);
  const { issued } = (await simulator.totals()).all;
  assert.deepEqual([Number(row.prompt), Number(row.completion)], [issued.promptTokens, issued.completionTokens]);
});
