import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { at, eventsOf } from '../azure/test-kit.ts';
import { type AnthropicSimulatorOptions, startAnthropicSimulator } from './index.ts';
import type { AnthropicSimulator } from './simulator.ts';

async function simulatorFor(t: TestContext, options: AnthropicSimulatorOptions = {}): Promise<AnthropicSimulator> {
  const simulator = await startAnthropicSimulator(options);
  t.after(() => simulator.close());
  return simulator;
}

const ask = (prompt: string, more: object = {}) => ({
  model: 'claude-sonnet-4-5',
  max_tokens: 100,
  messages: [{ role: 'user', content: prompt }],
  ...more,
});

function post(
  { address, apiKey }: AnthropicSimulator,
  body: unknown,
  { path = '/v1/messages', headers = {} }: { path?: string; headers?: Record<string, string> } = {},
): Promise<Response> {
  const own = { 'x-api-key': apiKey, 'anthropic-version': '2023-06-01', 'content-type': 'application/json' };
  return fetch(address + path, { method: 'POST', headers: { ...own, ...headers }, body: JSON.stringify(body) });
}

interface Told {
  type: string;
  error: { type: string; message: string };
  request_id: string;
  stop_reason: string;
  stop_sequence: string | null;
  usage: { output_tokens: number };
}

const told = async (response: Response) => (await response.json()) as Told;

const namesOf = (stream: string) => [...stream.matchAll(/^event: (.+)$/gm)].map(([, name]) => name);

test('a message says what it used, and its parts of the prompt are apart', async (t) => {
  const simulator = await simulatorFor(t);
  simulator.addFault({ cachedTokens: 4, cacheWriteTokens: 3 });
  const response = await post(simulator, ask('What is the capital of France?'));
  assert.equal(response.status, 200);
  assert.match(response.headers.get('request-id') ?? '', /^req_01/);
  assert.equal(response.headers.get('anthropic-ratelimit-requests-limit'), '100000');
  const { id, usage, ...message } = (await response.json()) as Record<string, unknown>;
  assert.match(String(id), /^msg_01\w{22}$/);
  assert.deepEqual(message, {
    type: 'message',
    role: 'assistant',
    model: 'claude-sonnet-4-5-20250929',
    content: [{ type: 'text', text: 'The capital of France is Paris.' }],
    stop_reason: 'end_turn',
    stop_sequence: null,
  });
  assert.deepEqual(usage, {
    input_tokens: 7,
    cache_creation_input_tokens: 3,
    cache_read_input_tokens: 4,
    cache_creation: { ephemeral_5m_input_tokens: 3, ephemeral_1h_input_tokens: 0 },
    output_tokens: 7,
    service_tier: 'standard',
  });
  assert.equal(simulator.totals().all.issued.promptTokens, 14);
});

test('a stream has its events in the order of the API', async (t) => {
  const simulator = await simulatorFor(t);
  const body = ask('call weather with {"city":"Paris"}', {
    stream: true,
    thinking: { type: 'enabled', budget_tokens: 50 },
    tools: [{ name: 'weather', input_schema: { type: 'object', properties: { city: { type: 'string' } } } }],
  });
  const text = await (await post(simulator, body)).text();
  const names = namesOf(text).filter((name, at, all) => name !== all[at - 1]);
  assert.deepEqual(names, [
    ...['message_start', 'content_block_start', 'ping', 'content_block_delta', 'content_block_stop'],
    ...['content_block_start', 'content_block_delta', 'content_block_stop', 'message_delta', 'message_stop'],
  ]);
  const events = eventsOf(text);
  const kinds = new Set(events.map((event) => at(event, 'delta', 'type')).filter(Boolean));
  assert.deepEqual([...kinds], ['thinking_delta', 'signature_delta', 'input_json_delta']);
  const json = events.map((event) => at(event, 'delta', 'partial_json') ?? '').join('');
  assert.deepEqual(JSON.parse(json), { city: 'Paris' });
  assert.equal(at(events.at(-2), 'delta', 'stop_reason'), 'tool_use');
  assert.equal(at(events.at(-2), 'usage', 'output_tokens'), simulator.totals().all.issued.completionTokens);
});

test('thoughts that are not to be shown are sealed, and told in the usage', async (t) => {
  const simulator = await simulatorFor(t);
  const thinking = { type: 'adaptive', display: 'omitted' };
  const { content, usage } = (await (await post(simulator, ask('Hello', { thinking }))).json()) as Record<
    string,
    unknown
  >;
  assert.deepEqual([at(content, 0, 'thinking'), typeof at(content, 0, 'signature')], ['', 'string']);
  assert.ok(Number(at(usage, 'output_tokens_details', 'thinking_tokens')) > 0);
  const turns = [
    { role: 'user', content: 'Repeat me' },
    { role: 'system', content: 'A word in between.' },
  ];
  assert.equal((await post(simulator, ask('x', { messages: turns, max_tokens: 0 }))).status, 200);
});

test('limits and stop sequences end an answer', async (t) => {
  const simulator = await simulatorFor(t);
  const reasonOf = async (more: object) => {
    const { stop_reason, stop_sequence, usage } = await told(await post(simulator, ask('Write 50 words', more)));
    return [stop_reason, stop_sequence, usage.output_tokens];
  };
  assert.deepEqual((await reasonOf({ max_tokens: 5 })).toSpliced(1, 1), ['max_tokens', 5]);
  assert.deepEqual((await reasonOf({ stop_sequences: ['never', ' when'] })).slice(0, 2), ['stop_sequence', ' when']);
});

test('what an agent puts beside a question is not the question', async (t) => {
  const simulator = await simulatorFor(t);
  const tools = [{ name: 'Bash', input_schema: { type: 'object', properties: {} } }];
  const reminder = { type: 'text', text: '<system-reminder>\nAlways use Bash.\n</system-reminder>\n' };
  const environment = { role: 'system', content: 'You may use Bash.' };
  const asked = (text: string) => [{ role: 'user', content: [reminder, { type: 'text', text }] }, environment];
  const answerTo = async (messages: object[]) => {
    const response = await post(simulator, { ...ask(''), tools, messages });
    return ((await response.json()) as { content: object[] }).content;
  };
  const paris = [{ type: 'text', text: 'The capital of France is Paris.' }];
  assert.deepEqual(await answerTo(asked('What is the capital of France?')), paris);
  const call = (await answerTo(asked('call Bash')))[0] as { type: string; id: string };
  assert.equal(call.type, 'tool_use');
  const result = { role: 'user', content: [{ type: 'tool_result', tool_use_id: call.id, content: 'done' }] };
  const more = [...asked('call Bash'), { role: 'assistant', content: [call] }, result, environment];
  assert.deepEqual(await answerTo(more), [{ type: 'text', text: 'The tool answered: done' }]);
});

test('counting tells what the prompt has, and issues nothing', async (t) => {
  const simulator = await simulatorFor(t);
  const { max_tokens: _none, ...body } = ask('What is the capital of France?');
  const response = await post(simulator, body, { path: '/v1/messages/count_tokens?beta=true' });
  assert.deepEqual(await response.json(), { input_tokens: 14 });
  assert.equal(simulator.totals().all.issued.totalTokens, 0);
  assert.equal(simulator.calls()[0]?.surface, 'count_tokens');
});

test('what the API refuses is refused in its shape', async (t) => {
  const simulator = await simulatorFor(t);
  const refused = async (body: unknown, headers: Record<string, string> = {}) => {
    const response = await post(simulator, body, { headers });
    const { type, error, request_id } = await told(response);
    assert.deepEqual([type, request_id], ['error', response.headers.get('request-id')]);
    return [response.status, error.type, error.message];
  };
  assert.deepEqual(await refused(ask('x'), { 'x-api-key': 'no' }), [401, 'authentication_error', 'invalid x-api-key']);
  assert.deepEqual((await refused(ask('x', { model: 'claude-1' }))).slice(0, 2), [404, 'not_found_error']);
  const text = async (more: object) => (await refused({ ...ask('x'), ...more }))[2];
  assert.equal(await text({ stream_options: {} }), 'stream_options: Extra inputs are not permitted');
  assert.equal(await text({ max_tokens: undefined }), 'max_tokens: Field required');
  assert.match(String(await text({ messages: [{ role: 'system', content: 'x' }] })), /Unexpected role "system"/);
  const result = { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'toolu_1', content: 'x' }] };
  assert.match(String(await text({ messages: [{ role: 'user', content: 'x' }, result] })), /unexpected `tool_use_id`/);
  const use = { role: 'assistant', content: [{ type: 'tool_use', id: 'toolu_2', name: 'f', input: {} }] };
  assert.match(String(await text({ messages: [use, { role: 'user', content: 'x' }] })), /without `tool_result`/);
});

test('faults say what Anthropic says', async (t) => {
  const simulator = await simulatorFor(t);
  simulator.addFault({ kind: 'status', status: 529, retryAfterSeconds: 7, count: 1, surface: 'messages' });
  const overloaded = await post(simulator, ask('x'));
  assert.deepEqual([overloaded.status, overloaded.headers.get('retry-after')], [529, '7']);
  assert.equal((await told(overloaded)).error.type, 'overloaded_error');
  const prompt = 'Write 20 words [[sim {"kind":"errorInOk","status":529,"afterChunks":2}]]';
  const broken = await (await post(simulator, ask(prompt, { stream: true }))).text();
  assert.equal(namesOf(broken).at(-1), 'error');
  assert.equal(at(eventsOf(broken).at(-1), 'error', 'type'), 'overloaded_error');
});

test("a model's own rate is enforced", async (t) => {
  const simulator = await simulatorFor(t, { models: [{ name: 'claude-sonnet-4-5', requestsPerMinute: 1 }] });
  assert.equal((await post(simulator, ask('x'))).status, 200);
  const limited = await post(simulator, ask('x'));
  assert.equal(limited.status, 429);
  assert.ok(Number(limited.headers.get('retry-after')) > 0);
  assert.equal(limited.headers.get('anthropic-ratelimit-requests-remaining'), '0');
  assert.equal((await told(limited)).error.type, 'rate_limit_error');
});
