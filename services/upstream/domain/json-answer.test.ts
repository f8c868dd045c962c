import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Surface } from '@tollgate/contracts';
import { readJsonAnswer } from './json-answer.ts';
import { noTokens, nothingBeside } from './usage.ts';

const chat = (body: unknown) =>
  readJsonAnswer(Surface.CHAT_COMPLETIONS, Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)));
const responses = (body: unknown) => readJsonAnswer(Surface.RESPONSES, Buffer.from(JSON.stringify(body)));
const choice = (content: string, finish = 'stop') => ({
  index: 0,
  message: { role: 'assistant', content },
  finish_reason: finish,
});
const usage = { prompt_tokens: 12, completion_tokens: 5 };
const tokens = { prompt: 12, completion: 5, cachedPrompt: 0, reasoning: 0 };

test('a whole answer with its usage', () => {
  assert.deepEqual(chat({ choices: [choice('hi')], usage }), {
    kind: 'answer',
    usage: { tokens, ...nothingBeside, unknown: [] },
    beside: nothingBeside,
    textBytes: 0,
    cacheable: true,
    items: [],
  });
  const output = [{ type: 'message', content: [{ type: 'output_text', text: 'hi' }] }];
  const answer = responses({ status: 'completed', error: null, output, usage: { input_tokens: 12, output_tokens: 5 } });
  assert.deepEqual(answer, {
    kind: 'answer',
    usage: { tokens, ...nothingBeside, unknown: [] },
    beside: nothingBeside,
    textBytes: 0,
    cacheable: true,
    items: [],
  });
});

test('without usage the text is measured for an estimate', () => {
  assert.deepEqual(chat({ choices: [choice('héllo')] }), {
    kind: 'answer',
    usage: undefined,
    beside: nothingBeside,
    textBytes: 6,
    cacheable: true,
    items: [],
  });
});

test('the items of a stored response are named, whatever its size; of one that is not stored none', () => {
  const output = [
    { id: 'rs_1', type: 'reasoning' },
    { type: 'message' },
    { id: 'msg_1', type: 'message', content: [] },
  ];
  for (const instructions of ['', 'x'.repeat(300_000)]) {
    const itemsOf = (more: object) => {
      const answer = responses({ status: 'completed', instructions, output, ...more });
      return answer.kind === 'answer' && answer.items;
    };
    assert.deepEqual(itemsOf({}), ['rs_1', 'msg_1']);
    assert.deepEqual(itemsOf({ store: true }), ['rs_1', 'msg_1']);
    assert.deepEqual(itemsOf({ store: false }), []);
  }
});

test('what did not end as the model wanted is not for a cache', () => {
  const answer = chat({ choices: [choice('hi', 'length')], usage });
  assert.equal(answer.kind === 'answer' && answer.cacheable, false);
});

test('a 200 that is none: errors, other shapes, half of a body', () => {
  const status = (body: unknown) => {
    const answer = chat(body);
    return answer.kind === 'error' ? answer.status : answer.kind;
  };
  assert.equal(status({ error: { code: 'server_error' } }), 500);
  assert.equal(status({ error: { code: 'rate_limit_exceeded' } }), 429);
  assert.equal(status({ error: { type: 'invalid_request_error' } }), 500, "inside of a 200 it is the provider's fault");
  assert.equal(status({ object: 'list' }), 'garbage');
  assert.equal(status('[1]'), 'garbage');
  assert.equal(status('{"choices":[{"mess'), 'garbage');
  const failed = responses({ status: 'failed', output: [], error: { code: 'rate_limit_exceeded' } });
  assert.equal(failed.kind === 'error' && failed.status, 429);
  assert.equal(failed.kind === 'error' && failed.usage, undefined);
});

test('what an answer that failed says that it used is read', () => {
  const failed = responses({
    ...{ status: 'failed', output: [], error: { code: 'server_error' } },
    usage: { input_tokens: 12, output_tokens: 5 },
  });
  assert.deepEqual(failed.kind === 'error' && failed.usage?.tokens, tokens);
});

test('of a large answer only the usage is read, wherever it stands', () => {
  const text = `"usage":{"prompt_tokens":1} ${'x'.repeat(300_000)}`;
  const answers = [
    { choices: [choice(text)], usage },
    { usage, choices: [choice(text)] },
    { usage, choices: [choice(text)], tools: [{ parameters: { properties: { usage: { type: 'string' } } } }] },
  ];
  for (const body of answers) {
    const answer = chat(body);
    assert.deepEqual(answer.kind === 'answer' && answer.usage?.tokens, tokens);
  }
  assert.equal(chat(`${JSON.stringify(answers[0]).slice(0, -9)}`).kind, 'garbage', 'cut off');
});

test("of a large answer its tier and the calls of the provider's tools are read, too", () => {
  const text = `"service_tier":"scale" "type":"web_search_call" ${'x'.repeat(300_000)}`;
  const output = [
    { type: 'web_search_call', action: { type: 'search' } },
    { type: 'file_search_call' },
    { type: 'function_call' },
    { type: 'message', content: [{ type: 'output_text', text }] },
  ];
  const usage = { input_tokens: 12, output_tokens: 5 };
  const large = (more: object) => {
    const answer = responses({ status: 'completed', output, usage, service_tier: 'flex', ...more });
    return answer.kind === 'answer' ? answer.usage : undefined;
  };
  assert.deepEqual(large({}), {
    tokens,
    serviceTier: 'flex',
    toolCalls: { web_search: 1, file_search: 1 },
    unknown: [],
  });
  assert.deepEqual(large({ tool_usage: { web_search: { num_requests: 4 } } })?.toolCalls, {
    web_search: 4,
    file_search: 1,
  });
  const cited = chat({ choices: [{ ...choice(text), annotations: [{ type: 'url_citation' }] }], usage: { ...usage } });
  assert.deepEqual(cited.kind === 'answer' && cited.beside.toolCalls, { web_search: 1 });
});

test('embeddings: data and usage, whatever their size, and nothing that a cache keeps', () => {
  const read = (body: unknown) => readJsonAnswer(Surface.EMBEDDINGS, Buffer.from(JSON.stringify(body)));
  const data = [{ object: 'embedding', index: 0, embedding: 'AACAPw==' }];
  const told = { prompt_tokens: 12, total_tokens: 12 };
  const expected = {
    kind: 'answer',
    usage: { tokens: { ...tokens, completion: 0 }, ...nothingBeside, unknown: [] },
    beside: nothingBeside,
    textBytes: 0,
    cacheable: false,
    items: [],
  };
  assert.deepEqual(read({ object: 'list', data, usage: told }), expected);
  const large = Array.from({ length: 20 }, () => ({ object: 'embedding', embedding: 'A'.repeat(16_384) }));
  assert.deepEqual(read({ object: 'list', data: large, usage: told }), expected);
  assert.deepEqual(read({ object: 'list', data: large }), { ...expected, usage: undefined });
  assert.equal(read({ object: 'list' }).kind, 'garbage');
});

test('a stored response is read as it is, failed ones too, and its usage is not booked a second time', () => {
  const read = (body: string) => readJsonAnswer(Surface.STORED_RESPONSES, Buffer.from(body));
  const kept = {
    id: 'resp_1',
    status: 'failed',
    error: { code: 'server_error' },
    output: [],
    usage: { input_tokens: 9 },
  };
  const answer = read(JSON.stringify(kept));
  assert.ok(answer.kind === 'answer');
  assert.equal(answer.usage?.tokens, noTokens);
  assert.equal(answer.cacheable, false);
  assert.equal(read('{"object":"list","data":[]}').kind, 'answer');
  for (const body of ['', '[]', 'null', '<html>']) assert.equal(read(body).kind, 'garbage', body);
});

test('a message tells its usage with what its cache read and wrote apart, a large one too', () => {
  const read = (body: object) => readJsonAnswer(Surface.MESSAGES, Buffer.from(JSON.stringify(body)));
  const usage = {
    ...{ input_tokens: 10, cache_read_input_tokens: 30, cache_creation_input_tokens: 20, output_tokens: 5 },
    ...{ service_tier: 'standard', server_tool_use: { web_search_requests: 2 } },
  };
  const tokens = { prompt: 60, completion: 5, cachedPrompt: 30, reasoning: 0, cacheWritePrompt: 20 };
  for (const text of ['short', 'x'.repeat(300_000)]) {
    const answer = read({ type: 'message', content: [{ type: 'text', text }], stop_reason: 'end_turn', usage });
    assert.ok(answer.kind === 'answer' && answer.usage);
    assert.deepEqual([answer.usage.tokens, answer.usage.toolCalls], [tokens, { web_search: 2 }]);
    assert.deepEqual([answer.usage.serviceTier, answer.cacheable], ['standard', text === 'short']);
  }
  assert.equal(read({ type: 'message', content: [], usage }).kind, 'answer', 'it may have nothing to say');
  assert.equal(read({ type: 'message', usage }).kind, 'garbage');
  const error = read({ type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } });
  assert.deepEqual(error.kind === 'error' && error.status, 529);
});

test('what is kept for an hour has no price of its own and is told', () => {
  const usage = { input_tokens: 1, output_tokens: 1, cache_creation: { ephemeral_1h_input_tokens: 5 } };
  const answer = readJsonAnswer(Surface.MESSAGES, Buffer.from(JSON.stringify({ content: [], usage })));
  assert.deepEqual(answer.kind === 'answer' && answer.usage?.unknown, ['cache_write_1h_tokens']);
});

test('thoughts are reasoning, the fast mode is a tier, fetching is free, and what was compacted is added', () => {
  const compaction = { type: 'compaction', input_tokens: 100, output_tokens: 50, cache_read_input_tokens: 20 };
  const usage = {
    ...{ input_tokens: 10, output_tokens: 8, output_tokens_details: { thinking_tokens: 5 } },
    ...{ service_tier: 'standard', speed: 'fast', server_tool_use: { web_search_requests: 1, web_fetch_requests: 3 } },
    iterations: [{ type: 'message', input_tokens: 10, output_tokens: 8 }, compaction],
  };
  const read = (more: object = {}) => {
    const body = JSON.stringify({ content: [], usage: { ...usage, ...more } });
    const answer = readJsonAnswer(Surface.MESSAGES, Buffer.from(body));
    assert.ok(answer.kind === 'answer' && answer.usage);
    return answer.usage;
  };
  const { tokens, serviceTier, toolCalls, unknown } = read();
  assert.deepEqual(tokens, { prompt: 130, completion: 58, cachedPrompt: 20, reasoning: 5 });
  assert.deepEqual([serviceTier, toolCalls, unknown], ['fast', { web_search: 1 }, []]);
  const advised = read({ iterations: [{ type: 'advisor_message', input_tokens: 1, output_tokens: 2 }] });
  assert.deepEqual([advised.tokens.prompt, advised.tokens.completion, advised.unknown], [11, 10, ['iterations']]);
});

test('a count is free', () => {
  const read = (body: string) => readJsonAnswer(Surface.COUNT_TOKENS, Buffer.from(body));
  const answer = read('{"input_tokens":2095}');
  assert.ok(answer.kind === 'answer' && answer.usage);
  const { prompt, completion } = answer.usage.tokens;
  assert.deepEqual([prompt, completion], [0, 0]);
  for (const other of ['{}', '[]', '<html>', '{"input_tokens":"1"}']) assert.equal(read(other).kind, 'garbage', other);
  const error = read('{"type":"error","error":{"type":"rate_limit_error"}}');
  assert.deepEqual(error.kind === 'error' && error.status, 429);
});
