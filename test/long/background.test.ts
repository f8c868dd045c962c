import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Redis } from 'ioredis';
import OpenAI from 'openai';
import type { ResponseStreamEvent } from 'openai/resources/responses/responses';
import { newSystem, type System } from '../support/system.ts';
import { until } from '../support/until.ts';

// Responses in the background against a system of its own, as the official client asks for them: upstream is killed and NATS goes
// away while they run, and each is completed, has one row, and is nobody else's.

type Simulator = Awaited<ReturnType<System['simulator']>>;

let system: System;
let simulator: Simulator;
let client: OpenAI;
let others: OpenAI;

before(async () => {
  system = await newSystem();
  await system.start();
  simulator = await system.simulator();
  const { gatewayUrl } = await system.status();
  const clientOf = async (team: string) => {
    const { key: apiKey } = await system.createKey(team, 'background');
    return new OpenAI({ baseURL: `${gatewayUrl}/v1`, apiKey, maxRetries: 0 });
  };
  client = await clientOf('engineering');
  others = await clientOf('sales');
});
after(() => system?.remove());

const model = 'gpt-4o';
const notFound = { status: 404, code: 'not_found' };
/** Each content chunk of the provider waits until the test lets it through. */
const gated = (gate: string, text: string) => `[[sim ${JSON.stringify({ gate })}]] ${text}`;
const open = (gate: string, chunks = 10_000) => simulator.openGate(gate, chunks);

async function over(id: string) {
  return until(
    'the response is over',
    async () => {
      const response = await client.responses.retrieve(id);
      return response.status === 'queued' || response.status === 'in_progress' ? undefined : response;
    },
    90_000,
    100,
  );
}

interface Row {
  request_id: string;
  status: string;
  stream: boolean;
  surface: string;
  attempts: string;
  prompt: string;
  completion: string;
  estimated: boolean;
  n: string;
}

/** The rows of the request that began the only response with this metadata. */
async function rowOf(name: string): Promise<Row> {
  return until(
    `the row of ${name}`,
    async () => {
      const rows = await system.sql<Row>(
        `SELECT request_id, status, stream, surface, toString(attempts) AS attempts, toString(prompt_tokens) AS prompt,
         toString(completion_tokens) AS completion, estimated, toString(count() OVER ()) AS n FROM usage WHERE metadata['name'] = '${name}'`,
      );
      return rows[0];
    },
    60_000,
    200,
  );
}

const named = (name: string) => ({ headers: { 'x-tollgate-metadata': JSON.stringify({ name }) } });
const lastSequence = async () => (await simulator.calls()).at(-1)?.sequence ?? 0;

async function upstream() {
  const { services } = await system.status();
  return services.find(({ name }) => name === 'upstream');
}

async function killUpstream(): Promise<void> {
  const { replica } = (await upstream()) ?? {};
  await system.control('POST', `/services/${replica}/kill`);
}

/** Reads the events of a stream until one of this type has come; the rest is left. */
async function readUntil(events: AsyncIterable<ResponseStreamEvent>, type: string): Promise<ResponseStreamEvent[]> {
  const read: ResponseStreamEvent[] = [];
  for await (const event of events) {
    read.push(event);
    if (event.type === type) break;
  }
  return read;
}

const textOf = (events: ResponseStreamEvent[]) =>
  events.map((event) => (event.type === 'response.output_text.delta' ? event.delta : '')).join('');

test('queued at once, in progress while the provider works, completed at the end: masked, gone on from, deleted', async () => {
  const input = gated('first', 'Repeat ada.background@example.org');
  const asked = { model, input, background: true, store: true, metadata: { of: 'first' } };
  const created = await client.responses.create(asked, named('first'));
  assert.equal(created.status, 'queued');
  assert.match(created.id, /^resp_[\w-]{60,250}$/);
  assert.deepEqual([created.background, created.output, created.metadata], [true, [], { of: 'first' }]);
  await until('it is in progress', async () => {
    const { id, status } = await client.responses.retrieve(created.id);
    assert.equal(id, created.id);
    return status === 'in_progress' ? true : undefined;
  });
  const tooEarly = client.responses.create({ model, input: 'Go on', previous_response_id: created.id });
  await assert.rejects(tooEarly, { status: 400, code: 'previous_response_not_found', message: /in progress/ });
  await open('first');
  const response = await over(created.id);
  assert.deepEqual(
    [response.status, response.id, response.output_text],
    ['completed', created.id, 'Repeat [EMAIL_0000]'],
  );
  assert.equal(response.background, true);
  const [call] = (await simulator.calls({ surface: 'responses' })).slice(-1);
  assert.doesNotMatch(JSON.stringify(call), /ada\.background/);

  const row = await rowOf('first');
  const { usage } = response;
  assert.deepEqual(
    [row.status, row.surface, row.attempts, Number(row.prompt), Number(row.completion), row.estimated, row.n],
    ['completed', 'responses', '1', usage?.input_tokens, usage?.output_tokens, false, '1'],
  );
  const next = await client.responses.create({ model, input: 'Go on', previous_response_id: response.id });
  assert.equal(next.previous_response_id, response.id, "the caller's own name of it");
  assert.ok((next.usage?.input_tokens ?? 0) > (usage?.input_tokens ?? 0), 'the turn before is part of its prompt');
  const items = await client.responses.inputItems.list(response.id);
  assert.match(JSON.stringify(items.data), /EMAIL_0000/);
  await client.responses.delete(response.id);
  await assert.rejects(client.responses.retrieve(response.id), notFound);
});

test("another team's key finds nothing; what is not kept cannot run in the background", async () => {
  const { id } = await client.responses.create({ model, input: 'A secret of the team', background: true });
  await assert.rejects(others.responses.retrieve(id), notFound);
  await assert.rejects(others.responses.retrieve(id, { stream: true }), notFound);
  await assert.rejects(others.responses.cancel(id), notFound);
  await assert.rejects(others.responses.delete(id), notFound);
  assert.equal((await over(id)).status, 'completed');
  const forgotten = client.responses.create({ model, input: 'x', background: true, store: false });
  await assert.rejects(forgotten, { status: 400, code: 'invalid_request', param: 'background' });
  const foreground = await client.responses.create({ model, input: 'In the foreground' });
  await assert.rejects(client.responses.retrieve(foreground.id, { stream: true }), { status: 400, param: 'stream' });
});

test('a stream that is dropped is read on behind its last event, and its numbers hold', async () => {
  const asked = { model, input: gated('streamed', 'Write 40 words'), background: true, stream: true } as const;
  const first = await client.responses.create(asked, named('streamed'));
  await open('streamed', 2);
  const seen = await readUntil(first, 'response.output_text.delta');
  const [created, queued] = seen;
  assert.deepEqual([created?.type, queued?.type], ['response.created', 'response.queued']);
  const id = created?.type === 'response.created' ? created.response.id : '';
  const at = seen.at(-1)?.sequence_number ?? -1;
  const resumed = await client.responses.retrieve(id, { stream: true, starting_after: at });
  await open('streamed');
  const rest: ResponseStreamEvent[] = [];
  for await (const event of resumed) rest.push(event);
  const numbers = [...seen, ...rest].map(({ sequence_number }) => sequence_number);
  assert.deepEqual(
    numbers,
    numbers.map((_, number) => number),
    'each once, without a gap',
  );
  const last = rest.at(-1);
  assert.ok(last?.type === 'response.completed');
  assert.equal(last.response.id, id);
  const kept = await client.responses.retrieve(id);
  assert.equal(textOf([...seen, ...rest]), kept.output_text);
  assert.equal(last.response.output_text ?? kept.output_text, kept.output_text);
  const again: ResponseStreamEvent[] = [];
  for await (const event of await client.responses.retrieve(id, { stream: true })) again.push(event);
  assert.deepEqual(again, [...seen, ...rest], 'what is over is read again as it was');
  assert.deepEqual([(await rowOf('streamed')).stream, (await rowOf('streamed')).n], [true, '1']);
});

test('cancelled while it runs: the provider is left at once, and twice is the same as once', async () => {
  const calls = await lastSequence();
  const asked = { model, input: gated('cancelled', 'Write 500 words'), background: true, stream: true } as const;
  const events = await client.responses.create(asked, named('cancelled'));
  await open('cancelled', 3);
  const seen = await readUntil(events, 'response.output_text.delta');
  const id = seen[0]?.type === 'response.created' ? seen[0].response.id : '';
  const reading = client.responses.retrieve(id, { stream: true }).then((stream) => readUntil(stream, 'never'));
  const told = assert.rejects(reading, /cancelled/);
  const cancelled = await client.responses.cancel(id);
  assert.deepEqual([cancelled.status, cancelled.id], ['cancelled', id]);
  assert.equal((await client.responses.cancel(id)).status, 'cancelled');
  await told;
  await simulator.waitForCalls({ afterSequence: calls, ended: true });
  const row = await rowOf('cancelled');
  assert.deepEqual([row.status, row.n, row.estimated], ['cancelled', '1', true]);
  assert.ok(Number(row.prompt) > 0 && Number(row.completion) > 0, 'what was seen is charged');
});

test('upstream killed with SIGKILL: run anew, completed, one row with both attempts; who read the lost text is told', async () => {
  const calls = await lastSequence();
  const asked = { model, input: gated('killed', 'Write 60 words'), background: true, stream: true } as const;
  const events = await client.responses.create(asked, named('killed'));
  await open('killed', 3);
  const seen = await readUntil(events, 'response.output_text.delta');
  const id = seen[0]?.type === 'response.created' ? seen[0].response.id : '';
  const at = seen.at(-1)?.sequence_number ?? -1;
  await killUpstream();
  await until('upstream is back', async () => (await upstream())?.ready || undefined, 30_000, 100);
  await open('killed');
  const response = await over(id);
  assert.equal(response.status, 'completed');
  const resumed = client.responses
    .retrieve(id, { stream: true, starting_after: at })
    .then((s) => readUntil(s, 'never'));
  await assert.rejects(resumed, /lost/);
  const whole: ResponseStreamEvent[] = [];
  for await (const event of await client.responses.retrieve(id, { stream: true })) whole.push(event);
  assert.equal(textOf(whole), response.output_text);
  const row = await rowOf('killed');
  assert.deepEqual([row.status, row.attempts, row.n, row.estimated], ['completed', '2', '1', true]);
  // The second call is as it was told; of the first the prompt and what was kept of its text, which is less than what was written.
  const { input_tokens = 0, output_tokens = 0 } = response.usage ?? {};
  assert.ok(Number(row.prompt) > input_tokens && Number(row.prompt) < input_tokens + 200, row.prompt);
  assert.ok(Number(row.completion) > output_tokens && Number(row.completion) < output_tokens * 2, row.completion);
  assert.equal((await simulator.calls({ afterSequence: calls })).length, 2);
});

test('NATS restarted while it runs: completed by the one call that there was, whose tokens are the row', async () => {
  const calls = await lastSequence();
  const asked = { model, input: gated('restarted', 'Write 80 words'), background: true } as const;
  const { id } = await client.responses.create(asked, named('restarted'));
  await open('restarted', 2);
  await simulator.waitForCalls({ afterSequence: calls });
  await system.control('POST', '/engines/nats/stop');
  await open('restarted', 5);
  await system.control('POST', '/engines/nats/start');
  await open('restarted');
  const response = await until(
    'the response is over',
    async () => {
      const read = await client.responses.retrieve(id).catch(() => undefined);
      return read?.status === 'completed' ? read : undefined;
    },
    90_000,
    200,
  );
  const row = await rowOf('restarted');
  const [call, ...more] = await simulator.calls({ afterSequence: calls, surface: 'responses' });
  assert.deepEqual(more, []);
  assert.ok(call?.usage);
  assert.deepEqual(
    [row.status, row.attempts, row.n, row.estimated, Number(row.prompt), Number(row.completion)],
    ['completed', '1', '1', false, call.usage.promptTokens, call.usage.completionTokens],
  );
  assert.equal(response.usage?.output_tokens, call.usage.completionTokens);
});

test('the whole installation stopped and started while it runs: run anew, completed, one row', async () => {
  const asked = { model, input: gated('reinstalled', 'Write 60 words'), background: true } as const;
  const calls = await lastSequence();
  const { id } = await client.responses.create(asked, named('reinstalled'));
  await open('reinstalled', 2);
  await simulator.waitForCalls({ afterSequence: calls });
  assert.equal(await system.stop(), 0);
  await system.start();
  // It went down with the rest, and knows of no gate.
  simulator = await system.simulator();
  await open('reinstalled');
  const response = await over(id);
  assert.equal(response.status, 'completed');
  const row = await rowOf('reinstalled');
  assert.deepEqual([row.status, row.n], ['completed', '1']);
  const served = await simulator.calls({ surface: 'responses' });
  assert.equal(served.filter(({ completed }) => completed).length, 1);
  assert.ok(Number(row.completion) >= (response.usage?.output_tokens ?? Number.POSITIVE_INFINITY));
});

test('a retry with the same idempotency-key is the same response, begun and charged once', async () => {
  const once = { headers: { ...named('once').headers, 'idempotency-key': 'background-once' } };
  const before = await lastSequence();
  const body = { model, input: gated('once', 'Say it once.'), background: true };
  const first = await client.responses.create(body, once);
  assert.equal(first.status, 'queued');
  const { data: second, response } = await client.responses.create(body, once).withResponse();
  assert.deepEqual([second.id, second.status], [first.id, 'queued']);
  assert.ok(response.headers.get('x-tollgate-replay-of'));
  await open('once');
  assert.equal((await over(first.id)).status, 'completed');
  const third = await client.responses.create(body, once);
  assert.equal(third.id, first.id);
  const calls = (await simulator.calls()).filter(({ sequence }) => sequence > before);
  assert.equal(calls.length, 1);
  await assert.rejects(client.responses.create({ ...body, stream: true }, once), {
    status: 400,
    param: 'idempotency-key',
  });
});

test('nothing stays reserved, and the queue is empty', async (t) => {
  const { redisUrl } = await system.status();
  const redis = new Redis(redisUrl);
  t.after(() => redis.disconnect());
  const counters = await redis.keys('tg:v1:{sampleorganization}:c:*');
  assert.ok(counters.length > 0);
  await until('no lease is left', async () => {
    const reserved = await Promise.all(counters.map((key) => redis.hget(key, 'reserved')));
    const leases = await redis.zcard('tg:v1:{sampleorganization}:leases');
    return (leases === 0 && reserved.every((amount) => Number(amount ?? 0) === 0)) || undefined;
  });
});
