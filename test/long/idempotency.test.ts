import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import path from 'node:path';
import { after, before, test } from 'node:test';
import type { RemoteAzureSimulator } from '@tollgate/testing/azure';
import { newSystem, type System } from '../support/system.ts';
import { until } from '../support/until.ts';

// Retries with the same idempotency-key over two ingresses and two replicas of everything between: joins, kills, large answers.

const ingressMain = path.resolve(import.meta.dirname, '../../services/ingress/main.ts');
let system: System;
let simulator: RemoteAzureSimulator;
let key: string;
let urls: string[];
let secondIngress: ChildProcess;

before(async () => {
  system = await newSystem();
  await system.start();
  for (const service of ['pipeline', 'guard-auth', 'upstream']) await system.cli('scale', service, '2');
  simulator = await system.simulator();
  ({ key } = await system.createKey('product', 'idempotency'));
  const { gatewayUrl } = await system.status();
  urls = [gatewayUrl, await startSecondIngress()];
});
after(async () => {
  secondIngress?.kill('SIGKILL');
  await system?.remove();
});

/** The launcher has one ingress, as it has one port. */
async function startSecondIngress(): Promise<string> {
  const { natsUrl } = await system.status();
  const { username, password, host } = new URL(natsUrl);
  secondIngress = fork(ingressMain, {
    env: {
      PATH: process.env.PATH,
      TOLLGATE_REPLICA: `ingress-${randomUUID()}`,
      TOLLGATE_PORT: '0',
      TOLLGATE_LOG_LEVEL: 'silent',
      TOLLGATE_NATS_URL: `nats://${host}`,
      TOLLGATE_NATS_USER: decodeURIComponent(username),
      TOLLGATE_NATS_PASSWORD: decodeURIComponent(password),
    },
  });
  const [{ address }] = (await once(secondIngress, 'message')) as [{ address: string }];
  return address.startsWith('http') ? address : `http://${address}`;
}

interface Asked {
  idempotencyKey: string;
  content: string;
  stream?: boolean;
  signal?: AbortSignal;
}

function ask(at: number, { idempotencyKey, content, stream = false, signal }: Asked): Promise<Response> {
  return fetch(`${urls[at % urls.length]}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-api-key': key, 'idempotency-key': idempotencyKey },
    body: JSON.stringify({ model: 'gpt-4o', stream, messages: [{ role: 'user', content }] }),
    ...(signal && { signal }),
  });
}

/** A prompt that the provider repeats, and what it does meanwhile; the words tell its calls apart. */
const told = (words: string, sim: object) => `Repeat that ${words} [[sim ${JSON.stringify(sim)}]]`;
const callsOf = async (words: string) => (await simulator.calls()).filter(({ body }) => body.includes(words));
const called = (words: string, count = 1) =>
  until(`${count} calls of ${words}`, async () => ((await callsOf(words)).length >= count ? true : undefined));

interface Row {
  request_id: string;
  status: string;
  cost: number;
}

/** One row each, once all are there. */
async function rowsOf(answers: readonly Response[], timeoutMs = 20_000): Promise<Row[]> {
  const ids = answers.map(({ headers }) => `'${headers.get('x-request-id')}'`);
  const read = async () => {
    const rows = await system.sql<Row>(
      `SELECT request_id, status, toFloat64(cost_nano_usd) AS cost FROM usage WHERE request_id IN (${ids.join()})`,
    );
    return rows.length >= answers.length ? rows : undefined;
  };
  const rows = await until('their rows', read, timeoutMs, 200);
  assert.equal(new Set(rows.map(({ request_id }) => request_id)).size, answers.length);
  return rows;
}

for (const stream of [false, true]) {
  test(`ten retries over two ingresses join one call, ${stream ? 'streamed' : 'JSON'}`, {
    timeout: 60_000,
  }, async () => {
    const idempotencyKey = randomUUID();
    const words = `ten of them ask ${idempotencyKey}`;
    const content = told(words, stream ? { gate: idempotencyKey } : { delayMs: 2000 });
    const asked = [ask(0, { idempotencyKey, content, stream })];
    await called(words);
    for (let at = 1; at <= 10; at++) asked.push(ask(at, { idempotencyKey, content, stream }));
    if (stream) await simulator.openGate(idempotencyKey, 1000);
    const answers = await Promise.all(asked);
    const texts = await Promise.all(answers.map((answer) => answer.text()));
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]), texts.join('\n'));
    assert.equal(new Set(texts).size, 1, 'all read the same');
    assert.equal((await callsOf(words)).length, 1);
    const rows = await rowsOf(answers);
    assert.equal(rows.filter(({ status }) => status === 'completed').length, 1);
    assert.equal(rows.filter(({ status, cost }) => status === 'replayed' && cost === 0).length, 10);
    const other = await ask(1, { idempotencyKey, content: `${content}!`, stream });
    assert.equal(other.status, 400);
    assert.equal((await other.json()).error.code, 'idempotency_mismatch');
    const otherShape = await ask(0, { idempotencyKey, content, stream: !stream });
    assert.equal((await otherShape.json()).error.code, 'idempotency_mismatch', 'a stream is another body');
  });
}

test('a caller that leaves before its JSON answer: the call goes on, and its retry reads it', async () => {
  const idempotencyKey = randomUUID();
  const words = `nobody waits ${idempotencyKey}`;
  const content = told(words, { delayMs: 2000 });
  const leaves = new AbortController();
  const first = ask(0, { idempotencyKey, content, signal: leaves.signal });
  await called(words);
  leaves.abort();
  await assert.rejects(first);
  const retry = await ask(1, { idempotencyKey, content });
  assert.equal(retry.status, 200);
  assert.match((await retry.json()).choices[0].message.content, new RegExp(words));
  assert.ok(retry.headers.get('x-tollgate-replay-of'));
  assert.equal((await callsOf(words)).length, 1);
});

test('its ingress is killed: the call goes on, and a retry through the other one reads it', async () => {
  const idempotencyKey = randomUUID();
  const words = `the door is gone ${idempotencyKey}`;
  const content = told(words, { delayMs: 5000 });
  const first = ask(1, { idempotencyKey, content });
  await called(words);
  secondIngress.kill('SIGKILL');
  await assert.rejects(first);
  const retry = await ask(0, { idempotencyKey, content });
  assert.equal(retry.status, 200);
  assert.match(await retry.text(), new RegExp(words));
  assert.equal((await callsOf(words)).length, 1);
  urls[1] = await startSecondIngress();
});

test('whoever makes the call is killed: the first caller reads an honest error, a retry that waits makes it anew', async () => {
  const idempotencyKey = randomUUID();
  const words = `killed in the middle ${idempotencyKey}`;
  const content = told(words, { gate: idempotencyKey });
  const first = ask(0, { idempotencyKey, content, stream: true });
  await called(words);
  const joined = ask(1, { idempotencyKey, content, stream: true });
  const { services } = await system.status();
  const upstreams = services.filter(({ name }) => name === 'upstream').map(({ replica }) => replica);
  // Whichever has it, and none is left to take it over.
  await Promise.all(upstreams.map((replica) => system.control('POST', `/services/${replica}/kill`)));
  const broken = await first;
  assert.equal(broken.status, 502);
  assert.equal((await broken.json()).error.code, 'gateway_interrupted');
  await called(words, 2);
  await simulator.openGate(idempotencyKey, 2000);
  const answer = await joined;
  assert.equal(answer.status, 200);
  assert.match(await answer.text(), /data: \[DONE\]\n\n$/);
  assert.equal(answer.headers.get('x-tollgate-replay-of'), null, 'it made the call itself');
  const again = await ask(0, { idempotencyKey, content, stream: true });
  assert.equal(again.headers.get('x-tollgate-replay-of'), answer.headers.get('x-request-id'));
  await again.text();
  const rows = await rowsOf([broken, answer, again], 60_000);
  assert.deepEqual(rows.map(({ status }) => status).sort(), ['abandoned', 'completed', 'replayed']);
});

test('the pipeline that waits is killed: an honest error, and the next retry reads the answer', async () => {
  const idempotencyKey = randomUUID();
  const words = `who waits is gone ${idempotencyKey}`;
  const content = told(words, { gate: idempotencyKey });
  const asked = ask(0, { idempotencyKey, content, stream: true });
  await simulator.openGate(idempotencyKey);
  // From its first content on it is upstream's, and ingress knows.
  const first = await asked;
  const waiting = ask(1, { idempotencyKey, content, stream: true });
  // Accepted by one of the two: the other one is killed in vain.
  await new Promise((resolve) => setTimeout(resolve, 500));
  const { services } = await system.status();
  const pipelines = services.filter(({ name }) => name === 'pipeline').map(({ replica }) => replica);
  await Promise.all(pipelines.map((replica) => system.control('POST', `/services/${replica}/kill`)));
  const broken = await waiting;
  assert.ok([502, 503].includes(broken.status), `${broken.status} ${await broken.text()}`);
  await simulator.openGate(idempotencyKey, 1000);
  assert.match(await first.text(), /data: \[DONE\]\n\n$/, 'nobody who has anything to do with it was killed');
  const retry = await until('a pipeline is back', async () => {
    const answer = await ask(1, { idempotencyKey, content, stream: true });
    if (answer.status === 200) return answer;
    await answer.text();
    return undefined;
  });
  assert.ok(retry.headers.get('x-tollgate-replay-of'));
  assert.match(await retry.text(), /data: \[DONE\]\n\n$/);
  assert.equal((await callsOf(words)).length, 1);
});

test('a long stream is kept whole; what is larger than may be kept is charged once and says so', async () => {
  const idempotencyKey = randomUUID();
  const long = { idempotencyKey, content: `Repeat ${'a long answer of many words '.repeat(15_000)}`, stream: true };
  const first = await (await ask(0, long)).text();
  assert.ok(first.length > 1_000_000, `${first.length} characters`);
  const retry = await ask(1, long);
  assert.ok(retry.headers.get('x-tollgate-replay-of'));
  assert.ok((await retry.text()) === first);

  const large = { idempotencyKey: randomUUID(), content: `Repeat ${randomBytes(600_000).toString('base64')}` };
  const answered = await ask(0, large);
  assert.equal(answered.status, 200);
  await answered.text();
  const refused = await ask(1, large);
  assert.equal(refused.status, 400);
  assert.equal((await refused.json()).error.code, 'idempotency_not_kept');
  const rows = await rowsOf([answered, refused]);
  assert.deepEqual(rows.map(({ status, cost }) => [status, cost > 0]).sort(), [
    ['completed', true],
    ['refused', false],
  ]);
});
