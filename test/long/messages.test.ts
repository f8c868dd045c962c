import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import Anthropic, { APIError, AuthenticationError, NotFoundError, RateLimitError } from '@anthropic-ai/sdk';
import { type AnthropicSimulator, startAnthropicSimulator } from '@tollgate/testing/anthropic';
import { claudeCodeBody, claudeCodeHeaders } from '../support/claude-code.ts';
import { newSystem, type System } from '../support/system.ts';
import { until } from '../support/until.ts';

// Anthropic's own client, as it is, against a whole system whose provider speaks its protocol.

const sonnet = 'claude-sonnet-4-5';
const haiku = 'claude-haiku-4-5';
let system: System;
let simulator: AnthropicSimulator;
let gatewayUrl: string;
let key: string;

const configuration = (endpoint: string, keyFile: string, azure: string) => `
organization: sampleorganization
priceList:
  gpt-4o: { prompt: 2.50, cachedPrompt: 1.25, completion: 10.00 }
  ${sonnet}: { prompt: 3.00, cachedPrompt: 0.30, cacheWrite: 3.75, completion: 15.00 }
  ${haiku}: { prompt: 1.00, cachedPrompt: 0.10, cacheWrite: 1.25, completion: 5.00 }
providers:
  - { name: anthropic, type: anthropic, endpoint: ${endpoint}, apiKey: { file: ${keyFile} }, models: [${sonnet}, ${haiku}] }
  - { name: azure, type: azure-openai, endpoint: ${azure}, apiKey: { env: AZURE_OPENAI_API_KEY }, models: [gpt-4o] }
projects:
  - name: sample-project
    teams:
      - { name: engineering }
      - { name: spent, limits: [{ tokens: 60, window: 1y }] }
      - { name: strict, limits: [{ tokens: 3000, window: 1y, mode: strict }] }
    proxies:
      - name: claude
        context: /claude
        provider: anthropic
        default: true
        guardrails:
          - piiMasking: { email: true, phone: true }
          - semanticCache: { similarityThreshold: 0.92 }
      - name: mixed
        context: /mixed
        provider: azure
        guardrails:
          - piiMasking: { email: true }
          - modelRotation:
              models: [{ model: gpt-4o }, { model: ${sonnet}, provider: anthropic }, { model: ${haiku}, provider: anthropic }]
              suspendDurationSeconds: 0
      - { name: azure-only, context: /azure-only, provider: azure }
`;

before(async () => {
  [system, simulator] = await Promise.all([newSystem(), startAnthropicSimulator()]);
  await system.start();
  const status = await system.status();
  gatewayUrl = status.gatewayUrl;
  const keyFile = path.join(system.home, 'anthropic-key');
  await writeFile(keyFile, simulator.apiKey, { mode: 0o600 });
  await system.apply(configuration(simulator.address, keyFile, status.simulatorUrl ?? ''));
  await until('all services have the revision', async () => {
    const { ready, services } = await system.status();
    return (ready && services.every((service) => service.ready)) || undefined;
  });
  ({ key } = await system.createKey('engineering', 'claude-key'));
});
after(async () => {
  await system?.remove();
  await simulator?.close();
});
beforeEach(() => simulator.reset());

const clientOf = (apiKey = key, context = '') =>
  new Anthropic({ apiKey, baseURL: `${gatewayUrl}${context}`, maxRetries: 0 });

const question = (content: string) => ({
  model: sonnet,
  max_tokens: 300,
  messages: [{ role: 'user' as const, content }],
});

async function rowOf(requestId: string | null | undefined): Promise<Record<string, string>> {
  const [row] = await until('the row', async () => {
    const rows = await system.sql<Record<string, string>>(`SELECT * FROM usage WHERE request_id = '${requestId}'`);
    return rows.length > 0 ? rows : undefined;
  });
  return row as Record<string, string>;
}

test('an answer, in every form of the base URL, with either way to send a key; its row says what it cost', async () => {
  simulator.addFault({ cachedTokens: 4, cacheWriteTokens: 3, count: 1 });
  const message = await clientOf().messages.create(question('What is the capital of France?'));
  assert.deepEqual(message.content, [{ type: 'text', text: 'The capital of France is Paris.' }]);
  const { input_tokens, cache_read_input_tokens, cache_creation_input_tokens, output_tokens } = message.usage;
  assert.deepEqual([cache_read_input_tokens, cache_creation_input_tokens], [4, 3]);
  const row = await rowOf(message._request_id);
  assert.deepEqual(
    [row.surface, row.model, row.prompt_tokens, row.cached_prompt_tokens, row.completion_tokens].map(String),
    ['messages', sonnet, String(input_tokens + 7), '4', String(output_tokens)],
  );
  const cost = input_tokens * 3000 + 4 * 300 + 3 * 3750 + output_tokens * 15_000;
  assert.equal(Number(row.cost_nano_usd), cost);
  for (const context of ['/claude', '/claude/', '/openai', '/claude/openai']) {
    const other = await clientOf(key, context).messages.create(question('What is the capital of Spain?'));
    assert.equal(other.content[0]?.type === 'text' && other.content[0].text, 'The capital of Spain is Madrid.');
  }
  const bearer = new Anthropic({ apiKey: null, authToken: key, baseURL: gatewayUrl, maxRetries: 0 });
  assert.equal((await bearer.messages.create(question('Hello'))).role, 'assistant');
  const sent = simulator.calls();
  assert.ok(sent.every(({ headers }) => headers['x-api-key'] === simulator.apiKey && !headers.authorization));
});

test("the client's own stream helper puts a stream together, with thoughts and a call", async () => {
  const stream = clientOf().messages.stream({
    ...question('call weather with {"city":"Paris"}'),
    max_tokens: 2000,
    thinking: { type: 'enabled', budget_tokens: 1024 },
    tools: [{ name: 'weather', input_schema: { type: 'object', properties: { city: { type: 'string' } } } }],
  });
  const message = await stream.finalMessage();
  assert.deepEqual(
    message.content.map(({ type }) => type),
    ['thinking', 'tool_use'],
  );
  const call = message.content[1];
  assert.deepEqual(call?.type === 'tool_use' && call.input, { city: 'Paris' });
  assert.equal(message.stop_reason, 'tool_use');
  const row = await rowOf(stream.request_id);
  assert.deepEqual([Number(row.completion_tokens), row.status], [message.usage.output_tokens, 'completed']);
});

test('what was answered is answered from the cache, as a stream too, but not where a beta may change it', async () => {
  const asked = question('What is the capital of Portugal?');
  const ask = async (more: object = {}, options: object = {}) => {
    const { data, response } = await clientOf()
      .messages.create({ ...asked, ...more, stream: false }, options)
      .withResponse();
    return { data, cache: response.headers.get('x-cache-status'), id: response.headers.get('request-id') };
  };
  const first = await ask();
  assert.equal(first.cache, 'MISS');
  const second = await ask();
  assert.deepEqual([second.cache, second.data.content], ['HIT', first.data.content]);
  assert.notEqual(second.data.id, first.data.id);
  const { saved_nano_usd, cost_nano_usd, status } = await rowOf(second.id);
  assert.deepEqual([status, Number(cost_nano_usd)], ['cached', 0]);
  assert.ok(Number(saved_nano_usd) > 0);
  const stream = clientOf().messages.stream(asked);
  assert.deepEqual((await stream.finalMessage()).content, first.data.content);
  assert.equal((await ask({}, { headers: { 'anthropic-beta': 'some-beta-2025-01-01' } })).cache, 'MISS');
  assert.equal((await ask({ temperature: 0.5 })).cache, 'MISS');
  assert.equal(simulator.calls().length, 3);
});

test('tokens are counted by the provider, for nothing', async () => {
  const { max_tokens: _most, ...asked } = question('What is the capital of France?');
  const counted = await clientOf().messages.countTokens(asked);
  assert.equal(counted.input_tokens, 14);
  const row = await rowOf(counted._request_id);
  assert.deepEqual([row.surface, row.status, row.prompt_tokens, row.cost_nano_usd].map(String), [
    'count_tokens',
    'completed',
    '0',
    '0',
  ]);
});

test('personal data is masked in every block, and the rest goes as it came', async () => {
  const mail = 'ada@example.org';
  await clientOf().messages.create({
    ...question(mail),
    system: [{ type: 'text', text: `You write to ${mail}.`, cache_control: { type: 'ephemeral' } }],
    metadata: { user_id: 'user-7' },
    messages: [
      { role: 'user', content: `Who is ${mail}?` },
      {
        role: 'assistant',
        content: [{ type: 'tool_use', id: 'toolu_1', name: 'look_up', input: { name: mail, deep: [{ url: mail }] } }],
      },
      {
        role: 'user',
        content: [
          { type: 'tool_result', tool_use_id: 'toolu_1', content: [{ type: 'text', text: `It is ${mail}` }] },
          { type: 'text', text: `Repeat ${mail}` },
        ],
      },
    ],
  });
  const body = simulator.calls()[0]?.body ?? '';
  assert.ok(!body.includes(mail), body);
  assert.equal(body.match(/\[EMAIL_0000\]/g)?.length, 6);
  const { system: instructions, metadata, messages } = JSON.parse(body);
  assert.deepEqual(instructions[0].cache_control, { type: 'ephemeral' });
  assert.deepEqual(metadata, { user_id: 'user-7' });
  assert.equal(messages[2].content[0].tool_use_id, 'toolu_1');
});

test('what Claude Code sends goes as it came, through all guards', async () => {
  const body = claudeCodeBody(haiku, 'Repeat after me');
  const sent = (path: string, what: object) => {
    const headers = { ...claudeCodeHeaders, authorization: `Bearer ${key}` };
    return fetch(`${gatewayUrl}${path}?beta=true`, { method: 'POST', headers, body: JSON.stringify(what) });
  };
  const response = await sent('/v1/messages', body);
  const text = await response.text();
  assert.equal(response.status, 200, text);
  assert.match(response.headers.get('content-type') ?? '', /^text\/event-stream/);
  const names = [...text.matchAll(/^event: (.+)$/gm)].map(([, name]) => name);
  assert.deepEqual([names[0], names.at(-2), names.at(-1)], ['message_start', 'message_delta', 'message_stop']);
  const row = await rowOf(response.headers.get('request-id'));
  assert.ok(Number(row.reasoning_tokens) > 0, 'its thoughts are not shown, and are told');
  const { max_tokens: _most, metadata: _who, stream: _how, context_management: _what, ...counted } = body;
  assert.equal((await sent('/v1/messages/count_tokens', counted)).status, 200);
  const [call, count] = simulator.calls();
  assert.deepEqual(JSON.parse(call?.body ?? ''), body);
  assert.deepEqual(JSON.parse(count?.body ?? ''), counted);
  for (const { headers } of [call, count].flatMap((one) => one ?? [])) {
    assert.equal(headers['anthropic-beta'], claudeCodeHeaders['anthropic-beta']);
    for (const name of ['x-claude-code-session-id', 'x-app', 'x-stainless-lang', 'authorization'])
      assert.equal(headers[name], undefined, name);
  }
});

test('each error raises its class, with the id of the request', async () => {
  const raised = (call: Promise<unknown>) =>
    call.then(
      () => assert.fail('it was answered'),
      (error: unknown) => error as APIError,
    );
  const typeOf = (error: APIError) => (error.error as { error: { type: string; code: string } }).error;
  const unknown = await raised(clientOf('tg_nobody').messages.create(question('x')));
  assert.ok(unknown instanceof AuthenticationError);
  assert.equal(typeOf(unknown).type, 'authentication_error');
  assert.ok(unknown.requestID);
  const missing = await raised(clientOf().messages.create({ ...question('x'), model: 'claude-none' }));
  assert.ok(missing instanceof NotFoundError);
  assert.deepEqual([typeOf(missing).type, typeOf(missing).code], ['not_found_error', 'model_not_found']);
  const elsewhere = await raised(clientOf(key, '/azure-only').messages.create({ ...question('x'), model: 'gpt-4o' }));
  assert.ok(elsewhere instanceof NotFoundError);
  assert.match(elsewhere.message, /takes a provider of type anthropic/);
  const nowhere = await raised(clientOf(key, '/none').messages.create(question('x')));
  assert.ok(nowhere instanceof NotFoundError && typeOf(nowhere).code === 'not_found');
  const { key: spent } = await system.createKey('spent', 'spent-key');
  await clientOf(spent).messages.create({ ...question('Write 60 words'), max_tokens: 30 });
  const refused = await until('the budget is spent', async () => {
    const error = await clientOf(spent)
      .messages.create({ ...question('Write 60 words'), max_tokens: 30 })
      .then(
        () => undefined,
        (reason: unknown) => reason,
      );
    return error instanceof RateLimitError && typeOf(error).code === 'budget_exceeded' ? error : undefined;
  });
  assert.equal(typeOf(refused).type, 'rate_limit_error');
  assert.equal(refused.headers?.get('x-should-retry'), 'false');
});

test('a stream that breaks raises, after what came of it', async () => {
  simulator.addFault({ kind: 'cut', afterChunks: 5 });
  const seen: string[] = [];
  const stream = clientOf().messages.stream(question('Write 50 words'));
  stream.on('text', (text) => seen.push(text));
  const error = await stream.finalMessage().then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof APIError, String(error));
  assert.match(error.message, /The provider broke off/);
  assert.ok(seen.length > 0);
});

/** Of the last stream that was read so. */
let requestId = '';

/** The events of a stream as they come, by a client that only reads. */
async function* eventsOf(content: string): AsyncGenerator<string> {
  const response = await fetch(`${gatewayUrl}/v1/messages`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-api-key': key },
    body: JSON.stringify({ ...question(content), stream: true }),
  });
  assert.equal(response.status, 200);
  requestId = response.headers.get('x-request-id') ?? '';
  let rest = '';
  const decoder = new TextDecoder();
  for await (const bytes of response.body as ReadableStream<Uint8Array>) {
    const blocks = (rest + decoder.decode(bytes, { stream: true })).split('\n\n');
    rest = blocks.pop() ?? '';
    yield* blocks;
  }
}
test('after 15 s of silence the stream begins with a sign of life, and the client’s helper takes it', async () => {
  simulator.addFault({ delayMs: 17_000 });
  const helped = clientOf().messages.stream(question('What is the capital of Spain?')).finalText();
  const events: string[] = [];
  for await (const event of eventsOf('What is the capital of France?')) events.push(event);
  assert.match(events[0] ?? '', /^(: ping|event: ping)/);
  assert.match(events[1] ?? '', /^event: message_start/);
  assert.match(events.at(-1) ?? '', /^event: message_stop/);
  assert.equal(await helped, 'The capital of Spain is Madrid.');
});

test('a worker that is killed in the middle: an error event, no message_stop, a row `truncated`', async () => {
  simulator.addFault({ gate: 'killed' });
  simulator.openGate('killed');
  const events: string[] = [];
  for await (const event of eventsOf('Write 50 words')) {
    if (events.push(event) > 1 && /content_block_delta/.test(event))
      await system.control('POST', '/services/upstream-1/kill');
  }
  const last = events.at(-1) ?? '';
  assert.match(last, /^event: error\ndata: \{"type":"error","error":\{"type":"api_error"/);
  assert.match(last, /"code":"gateway_interrupted"/);
  assert.ok(!events.some((event) => event.startsWith('event: message_stop')));
  const row = await until(
    'the row',
    async () => (await system.sql<Record<string, string>>(`SELECT * FROM usage WHERE request_id = '${requestId}'`))[0],
    90_000,
  );
  assert.deepEqual([row.status, row.code, row.delivered], ['truncated', 'gateway_interrupted', 'partial']);
});

test('an overloaded model is replaced within its rotation by the other that speaks the protocol, and by no other', async () => {
  simulator.addFault({ kind: 'status', status: 529, deployment: sonnet });
  for (let asked = 0; asked < 4; asked++) {
    const { data, response } = await clientOf(key, '/mixed')
      .messages.create({ ...question('What is the capital of France?'), model: 'gpt-4o' })
      .withResponse();
    assert.equal(response.headers.get('x-tollgate-model'), haiku);
    assert.equal(data.model, 'claude-haiku-4-5-20251001');
  }
});

test('a strict limit bounds what is asked for', async () => {
  const { key: strict } = await system.createKey('strict', 'strict-key');
  const { response } = await clientOf(strict)
    .messages.create({ ...question('Hello'), max_tokens: 100_000, stream: true })
    .withResponse();
  await response.body?.cancel();
  const granted = Number(response.headers.get('x-tollgate-max-output-tokens'));
  assert.ok(granted > 0 && granted < 3000);
  assert.equal(JSON.parse(simulator.calls()[0]?.body ?? '').max_tokens, granted);
});
