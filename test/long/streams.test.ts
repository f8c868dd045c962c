import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import type { FaultSpec } from '@tollgate/testing/azure';
import { until } from '../support/until.ts';
import { assertBroken, assertRefused, assertWhole, eventsOf, textOf } from './matrix/answers.ts';
import { Ledger } from './matrix/books.ts';
import { type AskOptions, ask, pathOf, question, requestBody } from './matrix/caller.ts';
import { EndlessProvider } from './matrix/endless-provider.ts';
import { type Shape, shapes } from './matrix/faults.ts';
import { type Installation, startInstallation } from './matrix/installation.ts';
import { StreamCaller } from './matrix/stream-caller.ts';

// Streams against the running system: signs of life, callers that stall or leave, workers that die.

const streams = shapes.filter(({ stream }) => stream);
const [chat] = streams as [Shape];
const stalledCallers = 500;
/**
 * Resident memory for each stalled caller in one process. Held are about 400 KiB (queue, frames, buffers of sockets); the rest is
 * what came and went while the system's own buffers filled, and that the allocator keeps.
 */
const stalledBytesMax = EndlessProvider.answerBytes / 16;

let provider: EndlessProvider;
let installation: Installation;
let ledger: Ledger;

before(async () => {
  provider = await EndlessProvider.start();
  installation = await startInstallation({
    deployments: { one: 'gpt-4o', two: 'gpt-4o' },
    models: [{ name: 'one' }, { name: 'two' }, { name: 'endless', at: 'endless' }],
    proxies: [
      { name: 'alone', models: [{ name: 'one' }], suspendSeconds: 0 },
      // One for each, so that the first turn is always that of the same target.
      ...streams.map(({ name }) => ({ name, models: [{ name: 'one' }, { name: 'two' }], suspendSeconds: 0 })),
      { name: 'endless', models: [{ name: 'endless', at: 'endless' }], suspendSeconds: 0 },
    ],
    endpoints: { endless: provider.url },
    // Half of it is for what is interrupted when a replica stops.
    environment: { TOLLGATE_STOP_TIMEOUT_MS: '3000' },
  });
  ledger = new Ledger((await installation.system.status()).clickhouseUrl);
});
after(async () => {
  await ledger?.close();
  await installation?.close();
  provider?.close();
});

/** A fault that travels with the question, so that tests side by side have their own. */
const marked = (fault: FaultSpec, prompt = question) => `${prompt} [[sim ${JSON.stringify(fault)}]]`;
const send = (proxy: string, shape: Shape, fault: FaultSpec, options: AskOptions = {}) =>
  ask(installation, proxy, shape, { ...options, prompt: marked(fault, options.prompt) });
const open = (proxy: string, shape: Shape, prompt: string) => new StreamCaller(installation, proxy, shape, prompt);
let gates = 0;
const newGate = () => `gate-${++gates}`;

describe('signs of life', { concurrency: 20 }, () => {
  for (const shape of streams) {
    test(`${shape.name}: after 15 s of silence a comment begins the stream; a failover behind it stays invisible`, async () => {
      const fault = { kind: 'hangAfterHeaders', deployment: 'one' } as const;
      const answer = await send(shape.name, shape, fault, { timeoutMs: 40_000 });
      assert.match(answer.body, /^: ping\n\n/);
      assertWhole(answer, shape);
      const row = await ledger.row(answer.requestId);
      assert.deepEqual([row.status, row.model, row.attempts], ['completed', 'two', 2]);
    });

    test(`${shape.name}: what fails behind a sign of life is an event`, async () => {
      const answer = await send('alone', shape, { kind: 'status', status: 500, delayMs: 17_000 });
      assert.match(answer.body, /^: ping\n\n/);
      const [only, ...more] = eventsOf(answer.body, shape);
      assert.ok(only && only !== '[DONE]');
      assert.deepEqual([only.error?.code, answer.status, more], ['upstream_error', 200, []]);
      const row = await ledger.row(answer.requestId);
      assert.deepEqual([row.status, row.http_status], ['failed', 502]);
    });

    test(`${shape.name}: a refusal of the provider behind a sign of life is an event with its whole error`, async () => {
      const answer = await send('alone', shape, { kind: 'promptFilter', delayMs: 17_000 });
      assert.match(answer.body, /^: ping\n\n/);
      const [only, ...more] = eventsOf(answer.body, shape);
      assert.ok(only && only !== '[DONE]');
      assert.deepEqual([only.error?.code, answer.status, more], ['content_filter', 200, []]);
      assert.ok(only.error?.innererror);
      const row = await ledger.row(answer.requestId);
      assert.deepEqual([row.status, row.http_status, row.code], ['failed', 400, 'content_filter']);
    });

    test(`${shape.name}: silence in the middle has comments, and the stream goes on`, async () => {
      const gate = newGate();
      const caller = open('alone', shape, marked({ gate }));
      await installation.simulator.openGate(gate);
      await caller.readUntil((text) => textOf(eventsOf(text, shape)).length > 0);
      await caller.readUntil((text) => text.includes(': ping\n\n'));
      await installation.simulator.openGate(gate, 100);
      assertWhole(await caller.rest(), shape);
    });

    test(`${shape.name}: the provider's comments pass, its pings do not`, async () => {
      const answer = await send('alone', shape, { pings: true });
      assertWhole(answer, shape);
      assert.match(answer.body, /: keep-alive\n/);
      assert.doesNotMatch(answer.body, /event: ping|"ping"/);
    });
  }

  test('a caller that stalls gets no comment into what it has not read', async () => {
    const stalled = open('alone', chat, 'Write 8 MiB');
    await stalled.readUntil((text) => text.length > 0);
    // It reads no more. When the first of these has its comment, the other's buffers have long been full; the second one's silence
    // then begins after that of the one who stalls.
    for (let turn = 0; turn < 2; turn++) {
      const silent = open('alone', chat, marked({ kind: 'hangAfterHeaders' }));
      await silent.readUntil((text) => text.includes(': ping'));
      silent.leave();
    }
    const { body } = await stalled.rest();
    const events = eventsOf(body, chat);
    assert.equal(events.at(-1), '[DONE]');
    assert.ok(textOf(events).length >= 8 * 1024 * 1024);
    assert.doesNotMatch(body, /: ping/);
  });
});

test('a caller that leaves takes the provider’s call with it, sooner than one whose deadline is a second away', async () => {
  const { simulator } = installation;
  for (const shape of streams) {
    const gate = newGate();
    const left = open('alone', shape, marked({ gate }));
    await simulator.openGate(gate);
    await left.readUntil((text) => textOf(eventsOf(text, shape)).length > 0);
    left.leave();
    // Asked after the other has left, and given up a second after that: on a busy machine both are late together.
    const late = await send('alone', shape, { kind: 'hangBeforeHeaders' }, { timeoutMs: 1000 });
    assertRefused(late, { status: 504, code: 'upstream_timeout' });
    const callOf = async (requestId: string) => {
      const calls = await simulator.calls({ ended: true });
      return calls.find(({ headers }) => headers['x-ms-client-request-id'] === requestId);
    };
    const first = await until('the call of who left has ended', () => callOf(left.requestId));
    const second = await until('the call of who waited has ended', () => callOf(late.requestId));
    assert.ok(first.aborted && second.aborted);
    assert.ok((first.endedAt ?? 0) <= (second.endedAt ?? 0), `${first.endedAt} is not before ${second.endedAt}`);
    const row = await ledger.row(left.requestId);
    assert.deepEqual(
      [row.status, row.http_status, row.code, row.delivered, row.model, row.estimated],
      ['cancelled', 499, 'client_closed_request', 'partial', 'one', true],
    );
    assert.ok(row.prompt_tokens > 0 && row.completion_tokens > 0 && row.cost_nano_usd > 0);
  }
});

test('so does one that leaves before its answer, a stream or JSON', async () => {
  const { simulator } = installation;
  for (const shape of shapes) {
    const leaves = new AbortController();
    const prompt = `Nobody waits for ${shape.name}`;
    const left = send('alone', shape, { kind: 'hangBeforeHeaders' }, { prompt, signal: leaves.signal });
    const callOf = (what: string, ended: boolean) =>
      until(`the call of ${what}`, async () =>
        (await simulator.calls({ ended })).find(({ body }) => body.includes(what)),
      );
    await callOf(prompt, false);
    leaves.abort();
    await assert.rejects(left);
    const waits = `Somebody waits a second for ${shape.name}`;
    const late = await send('alone', shape, { kind: 'hangBeforeHeaders' }, { prompt: waits, timeoutMs: 1000 });
    assertRefused(late, { status: 504, code: 'upstream_timeout' });
    const [first, second] = [await callOf(prompt, true), await callOf(waits, true)];
    assert.ok(first.aborted && second.aborted);
    assert.ok((first.endedAt ?? 0) <= (second.endedAt ?? 0), `${first.endedAt} is not before ${second.endedAt}`);
  }
});

test(`${stalledCallers} callers that stall hold their providers back, and cost no more than a bound`, async (t) => {
  const { system, gatewayUrl, key } = installation;
  assertWhole(await ask(installation, 'alone', chat), chat);
  const before = await memoryOf(['upstream-1', 'ingress-1']);
  const { hostname, port } = new URL(gatewayUrl);
  const body = requestBody(chat);
  const head = [
    `POST ${pathOf('endless', chat)} HTTP/1.1`,
    `host: ${hostname}`,
    `x-api-key: ${key}`,
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
  ];
  const callers: Socket[] = [];
  while (callers.length < stalledCallers) {
    const wave = Array.from({ length: 50 }, async () => {
      const socket = connect(Number(port), hostname);
      socket.write(`${head.join('\r\n')}\r\n\r\n${body}`);
      const [first] = (await once(socket, 'data')) as [Buffer];
      socket.pause();
      assert.match(first.toString('latin1'), /^HTTP\/1\.1 200 /);
      return socket;
    });
    callers.push(...(await Promise.all(wave)));
  }
  await untilSteady(() => provider.sentBytes);
  assert.equal(provider.open, stalledCallers);
  const { sentBytes } = provider;
  const after = await memoryOf(['upstream-1', 'ingress-1']);
  for (const [at, replica] of ['upstream-1', 'ingress-1'].entries()) {
    const grown = (after[at] ?? 0) - (before[at] ?? 0);
    t.diagnostic(`${replica}: ${Math.round(grown / stalledCallers / 1024)} KiB for each stalled caller`);
    assert.ok(grown < stalledCallers * stalledBytesMax, `${replica} has grown by ${grown} bytes`);
  }
  await new Promise((resolve) => setTimeout(resolve, 10_000));
  const later = await memoryOf(['upstream-1', 'ingress-1']);
  for (const [at, bytes] of later.entries())
    assert.ok(bytes < (after[at] ?? 0) * 1.05, `it grows on: ${after[at]}, ten seconds later ${bytes} bytes`);
  assert.ok(provider.sentBytes <= sentBytes * 1.01, 'and no provider is read on');
  t.diagnostic(`each provider could send ${Math.round(sentBytes / stalledCallers / 1024)} KiB`);
  assert.ok(sentBytes < (stalledCallers * EndlessProvider.answerBytes) / 4, 'the providers are held back');
  // A machine that is busy with so many connections may need a moment: 503 is its honest word until then.
  const other = await until('another caller is served', async () => {
    const answer = await ask(installation, 'alone', chat);
    return answer.status === 503 ? undefined : answer;
  });
  assertWhole(other, chat);

  for (const caller of callers) caller.destroy();
  await until('no provider writes any more', async () => provider.open === 0 || undefined);
  await until('a row for each of them', async () => {
    const [row] = await system.sql<{ n: string }>(
      "SELECT count() AS n FROM usage WHERE model = 'endless' AND status = 'cancelled' AND completion_tokens > 0",
    );
    return Number(row?.n) === stalledCallers || undefined;
  });

  /** Resident memory, bytes. */
  async function memoryOf(replicas: readonly string[]): Promise<number[]> {
    const { services } = await system.status();
    return replicas.map((name) => {
      const pid = services.find(({ replica }) => replica === name)?.pid;
      const resident = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
      return Number(resident) * 1024;
    });
  }
});

/** Nothing but time can show that something does not grow any more. */
async function untilSteady(value: () => number): Promise<void> {
  for (let last = -1; last !== value(); await new Promise((resolve) => setTimeout(resolve, 1000))) last = value();
}

for (const [verb, version] of [
  // Nobody knows how far the provider was: its lease becomes the row, at the estimate.
  ['kill', 1],
  ['stop', 2],
] as const) {
  test(`a worker that dies in the middle (${verb}): an error event, no end, a row \`truncated\``, async () => {
    const { system, simulator } = installation;
    const callers = [];
    for (const shape of streams) {
      const gate = newGate();
      const caller = open('alone', shape, marked({ gate }));
      await simulator.openGate(gate);
      await caller.readUntil((text) => textOf(eventsOf(text, shape)).length > 0);
      callers.push({ shape, caller });
    }
    await system.control('POST', `/services/upstream-1/${verb}`);
    for (const { shape, caller } of callers) {
      assertBroken(await caller.rest(), shape, 'gateway_interrupted');
      const row = await ledger.row(caller.requestId, 90_000);
      assert.deepEqual([row.status, row.code], ['truncated', 'gateway_interrupted']);
      assert.deepEqual([row.version, row.delivered], [version, 'partial']);
      assert.ok(row.estimated && row.prompt_tokens > 0 && row.cost_nano_usd > 0);
    }
    if (verb === 'stop') await system.control('POST', '/services/upstream-1/start');
    await until('upstream takes requests again', async () => {
      const { services } = await system.status();
      return services.find(({ replica }) => replica === 'upstream-1')?.ready || undefined;
    });
    assertWhole(await ask(installation, 'alone', chat), chat);
  });
}
