import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import type { RemoteAzureSimulator } from '@tollgate/testing/azure';
import { type CurlAnswer, curl as run } from '../support/curl.ts';
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
/** Of every answer that this key got. */
const requestIds: string[] = [];

before(async () => {
  system = sharedSystem();
  status = await system.status();
  simulator = await system.simulator();
  await simulator.reset();
  host = status.gatewayTlsUrl.replace('https://', '');
  ({ key, id: keyId } = await system.createKey('product', 'verify-walk'));
});

/** The same line as typed, its answer kept in mind for the ledger. */
async function curl(line: string): Promise<CurlAnswer> {
  const answer = await run(line);
  if (line.includes(key)) requestIds.push(answer.headers.get('x-request-id') ?? '');
  return answer;
}

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
  const before = (await simulator.calls()).at(-1)?.sequence ?? 0;
  for (let number = 0; number < 6; number++) {
    const answer = await curl(
      `curl -k -v -X POST https://${host}/openai/responses -H "Content-Type: application/json" -H "X-API-Key: ${key}" -H "x-tollgate-cache: no-store" -d '{"model":"gpt-4o","input":"Turn ${number}"}'`,
    );
    assert.equal(answer.status, 200, answer.body);
    served.push(answer.headers.get('x-tollgate-model'));
  }
  assert.deepEqual([...served].sort(), [...Array(3).fill('gpt-4o'), ...Array(3).fill('gpt-4o-mini')]);
  for (let number = 2; number < 6; number++) assert.equal(served[number], served[number - 2], served.join());
  // What the answers say is what the provider saw.
  const calls = await simulator.calls({ afterSequence: before });
  assert.deepEqual(
    calls.map(({ deployment }) => deployment),
    served,
  );
});

test('the ledger has one row a request, with the tokens that the provider issued', async () => {
  // Three single questions, one of them twice, one similar, one other, the email, six turns.
  assert.equal(new Set(requestIds).size, 12);
  const rows = await until('a row for each answer', async () => {
    const found = await system.sql<Row>(
      `SELECT request_id, status, prompt_tokens, completion_tokens FROM usage WHERE key_id = '${keyId}'`,
    );
    return found.length >= 12 ? found : undefined;
  });
  assert.deepEqual(rows.map(({ request_id }) => request_id).sort(), requestIds.toSorted());
  const [served, cached] = [rows.filter(isCompleted), rows.filter((row) => !isCompleted(row))];
  assert.deepEqual(
    cached.map(({ status, ...row }) => [status, ...tokensOf(row)]),
    [
      ['cached', 0, 0],
      ['cached', 0, 0],
    ],
  );
  const issued = (await simulator.calls()).map(({ usage }) => [usage?.promptTokens, usage?.completionTokens]);
  assert.deepEqual(served.map(tokensOf).map(String).sort(), issued.map(String).sort());
});

interface Row {
  request_id: string;
  status: string;
  prompt_tokens: number;
  completion_tokens: number;
}

const isCompleted = ({ status }: Row) => status === 'completed';
const tokensOf = (row: Pick<Row, 'prompt_tokens' | 'completion_tokens'>) => [
  Number(row.prompt_tokens),
  Number(row.completion_tokens),
];
