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
