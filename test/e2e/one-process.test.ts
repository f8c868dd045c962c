import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { startAzureSimulator } from '@tollgate/testing/azure';
import { ancestry } from '@tollgate/testing/processes';
import OpenAI from 'openai';
import { nobodyLeft, started } from '../support/home.ts';
import { ask } from '../support/load.ts';
import { newSystem, type Status, type System } from '../support/system.ts';
import { until } from '../support/until.ts';

// TOLLGATE_TOGETHER=all: what a request passes on its way to upstream runs in one process. Callers cannot tell. At the end, what a
// start, a stop and a kill of `npm start` leave in a home.

const members = ['ingress', 'pipeline', 'guard-auth', 'guard-pii', 'guard-cache', 'guard-router'];
const processName = `${members.join('+')}-1`;
let system: System;
let status: Status;
let key: string;
let keyId: string;
/** When the first start was stopped. */
let kept: { revision: number; requestIds: Set<string> };

const npmStart = ['npm', 'start'] as const;

const processes = [
  processName,
  'analytics-1',
  'cacheRedis',
  'clickhouse',
  'console-1',
  'nats',
  'redis',
  'simulator',
  'upstream-1',
].sort();

async function rowsById(): Promise<Map<string, number>> {
  const rows = await system.sql<{ request_id: string; n: string }>(
    `SELECT request_id, count() AS n FROM usage WHERE key_id = '${keyId}' GROUP BY request_id`,
  );
  return new Map(rows.map(({ request_id, n }) => [request_id, Number(n)]));
}

const membersOf = ({ services }: Status) => services.filter(({ name }) => members.includes(name));

before(async () => {
  system = await newSystem({ TOLLGATE_TOGETHER: 'all' });
  await system.start();
  status = await system.status();
  ({ key, id: keyId } = await system.createKey('engineering', 'one-process'));
});
after(() => system?.remove());

test('status has a row for each service, with the process that it runs in', () => {
  const rows = membersOf(status);
  assert.deepEqual(
    rows.map(({ name }) => name),
    members,
  );
  assert.equal(new Set(rows.map(({ pid }) => pid)).size, 1);
  assert.ok(rows.every(({ ready, replica, name }) => ready && replica === `${name}-1`));
  const alone = status.services.filter(({ name }) => !members.includes(name));
  assert.equal(new Set(alone.map(({ pid }) => pid)).size, alone.length);
  assert.ok(alone.some(({ name }) => name === 'upstream'));
});

test('the official client gets JSON, streams, a hit and a masked value', async () => {
  const client = new OpenAI({ baseURL: `${status.gatewayUrl}/v1`, apiKey: key, maxRetries: 0 });
  const messages = [{ role: 'user' as const, content: 'Repeat: write to one.process@example.com' }];
  const first = await client.chat.completions.create({ model: 'gpt-4o', messages }).withResponse();
  assert.equal(first.response.headers.get('x-cache-status'), 'MISS');
  const second = await client.chat.completions.create({ model: 'gpt-4o', messages }).withResponse();
  assert.equal(second.response.headers.get('x-cache-status'), 'HIT');
  assert.equal(second.data.choices[0]?.message.content, first.data.choices[0]?.message.content);
  let streamed = '';
  for await (const chunk of await client.chat.completions.create({
    model: 'gpt-4o',
    messages: [{ role: 'user', content: 'Repeat: a stream through one process' }],
    stream: true,
  })) {
    streamed += chunk.choices[0]?.delta?.content ?? '';
  }
  assert.match(streamed, /a stream through one process/);
  const calls = JSON.stringify(await (await system.simulator()).calls());
  assert.ok(calls.includes('[EMAIL_0000]') && !calls.includes('one.process@example.com'));
});

test('a large body passes every guard and comes back', async () => {
  const product = await system.createKey('product', 'one-process');
  const text = `Repeat: ${'lorem ipsum dolor sit amet '.repeat(160_000)}`;
  const response = await fetch(`${status.gatewayUrl}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-api-key': product.key },
    body: JSON.stringify({ model: 'gpt-4o', messages: [{ role: 'user', content: text }] }),
  });
  assert.equal(response.status, 200);
  const answer = (await response.json()) as { choices: [{ message: { content: string } }] };
  assert.equal(answer.choices[0].message.content, text);
});

test('one of them cannot be scaled, and the message says what can', async () => {
  await assert.rejects(system.cli('scale', 'guard-pii', '2'), /guard-pii shares a process \(TOLLGATE_TOGETHER\)/);
});

test('the log of one of them is that of its process', async () => {
  assert.match(await system.cli('logs', 'guard-pii', '--lines', '100'), /"service":"guard-auth"/);
});

test('killed under load it is back, every caller has an answer or an honest end, and every admitted request a row', async () => {
  const { gatewayUrl } = status;
  const killed = membersOf(status)[0]?.pid;
  const underWay = Array.from({ length: 20 }, (_, number) =>
    ask({ gatewayUrl, key, stream: number % 2 === 1 }, `Write 40 words on ${number}, ${process.hrtime.bigint()}`),
  );
  await system.control('POST', `/services/${processName}/kill`);
  // Its ingress is killed with it: the connection breaks, which is honest, and no hang.
  for (const { whole, status, code } of await Promise.all(underWay))
    assert.ok(whole || status === 0 || code !== '', `${status} ${code}`);
  const back = await until('another process, ready', async () => {
    const now = await system.status();
    return membersOf(now).every(({ ready, pid }) => ready && pid !== killed) ? now : undefined;
  });
  assert.ok(membersOf(back).every(({ restarts }) => restarts === 1));
  const answer = await ask({ gatewayUrl, key }, 'And now?');
  assert.equal(answer.status, 200);
  const rows = await until('the row', async () => {
    const found = await rowsById();
    return found.has(answer.requestId) ? found : undefined;
  });
  assert.ok([...rows.values()].every((n) => n === 1));
});

test('a stop lets what is under way end', async () => {
  const { gatewayUrl } = await system.status();
  const simulator = await system.simulator();
  const before = (await simulator.calls()).at(-1)?.sequence ?? 0;
  await simulator.addFault({ delayMs: 500 });
  const answer = ask({ gatewayUrl, key, stream: true }, 'Write 30 words');
  await simulator.waitForCalls({ afterSequence: before });
  const [revision, rows] = [await system.revision(), await rowsById()];
  const code = await system.stop();
  const { whole, requestId } = await answer;
  kept = { revision, requestIds: new Set([...rows.keys(), requestId]) };
  assert.equal(whole, true);
  assert.equal(code, 0);
  const log = await readFile(path.join(system.home, 'logs', `${processName}.log`), 'utf8');
  assert.match(log, /"clean":true,"msg":"stopped"/);
});

test('npm start in the same home: the key, the ledger and the revision of before', async (t) => {
  await nobodyLeft(system.home);
  const startedAtMs = performance.now();
  await system.start(npmStart);
  const seconds = (performance.now() - startedAtMs) / 1000;
  t.diagnostic(`ready again after ${seconds.toFixed(1)} s`);
  // Ten seconds for a person who waits for it; here another system and its tests run beside it.
  assert.ok(seconds < 30, `${seconds} s`);
  assert.equal(await system.revision(), kept.revision);
  assert.equal((await ask({ gatewayUrl: status.gatewayUrl, key }, 'Still here?')).status, 200);
  const rows = await until('every row of before', async () => {
    const found = await rowsById();
    return [...kept.requestIds].every((id) => found.has(id)) ? found : undefined;
  });
  assert.ok([...rows.values()].every((n) => n === 1));
});

test('Ctrl-C ends all that npm start began, its simulator and its engines too', async () => {
  assert.deepEqual(await started(system.home), processes);
  // A terminal sends it to its whole foreground group: npm, its shell, the bootstrap, the launcher.
  const line = ancestry((await system.status()).pid);
  for (const pid of line.slice(0, line.indexOf(system.pid as number))) process.kill(pid, 'SIGINT');
  await system.stop('SIGINT');
  await nobodyLeft(system.home);
  assert.match(system.output, /Stopped\.\n/);
  assert.doesNotMatch(system.output, /Stopping at once/);
});

test('with the credentials of Azure OpenAI that endpoint is called, and there is no simulator', async (t) => {
  const azure = await startAzureSimulator();
  t.after(() => azure.close());
  Object.assign(system.env, { AZURE_OPENAI_ENDPOINT: azure.address, AZURE_OPENAI_API_KEY: azure.apiKey });
  await system.start(npmStart);
  await until('the report', async () => system.output.includes('Tollgate is ready') || undefined);
  const { gatewayUrl, simulatorUrl } = await system.status();
  assert.equal(simulatorUrl, null);
  assert.doesNotMatch(system.output, /S I M U L A T O R/);
  assert.deepEqual(
    await started(system.home),
    processes.filter((name) => name !== 'simulator'),
  );
  const answer = await ask({ gatewayUrl, key }, 'Who answers?');
  assert.equal(answer.status, 200);
  assert.deepEqual(
    azure.calls().map(({ headers }) => headers['x-ms-client-request-id']),
    [answer.requestId],
  );
});

test('npm killed with SIGKILL: what it ran sees that and ends', async () => {
  await system.stop('SIGKILL');
  await nobodyLeft(system.home);
});
