import assert from 'node:assert/strict';
import test from 'node:test';
import {
  at,
  CHAT_PATH,
  chatBody,
  chatText,
  choicesOf,
  eventsOf,
  post,
  RESPONSES_PATH,
  rawPost,
  responsesBody,
  simulatorFor,
} from './test-kit.ts';

// The five facts that a gateway in front of Azure has to cope with.

test('1. the first chat chunk is empty but for the prompt filter, later ones name the dated version', async (t) => {
  const simulator = await simulatorFor(t);
  const path = '/openai/deployments/gpt-4o-mini/chat/completions?api-version=2024-10-21';
  const response = await post(simulator, path, chatBody('Hello', { stream: true }));
  assert.match(response.headers.get('content-type') ?? '', /^text\/event-stream/);
  const [first, ...later] = eventsOf(await response.text());
  assert.equal(first?.id, '');
  assert.equal(first?.model, '');
  assert.equal(first?.created, 0);
  assert.deepEqual(first?.choices, []);
  assert.deepEqual(at(first, 'prompt_filter_results', 0, 'content_filter_results', 'jailbreak'), {
    filtered: false,
    detected: false,
  });
  for (const chunk of later) {
    assert.equal(chunk.model, 'gpt-4o-mini-2024-07-18');
    assert.match(String(chunk.id), /^chatcmpl-/);
    assert.match(String(chunk.system_fingerprint), /^fp_/);
  }
});

test('2. with the default filter text comes in bursts', async (t) => {
  const simulator = await simulatorFor(t);
  const { pieces, text } = await rawPost(simulator, CHAT_PATH, chatBody('Write 100 words', { stream: true }));
  const contentChunks = eventsOf(text).filter((chunk) => chatText([chunk]) !== '');
  assert.ok(contentChunks.length >= 100, 'an event a token');
  const largest = Math.max(...pieces.map((piece) => piece.split('\n\n').length - 1));
  assert.ok(largest >= 16, `a burst has 16 tokens, the largest had ${largest} events`);
  assert.ok(contentChunks.every((chunk) => at(choicesOf(chunk), 0, 'content_filter_results', 'hate') !== undefined));
});

test('2. with the asynchronous filter there are choices with offsets and no delta', async (t) => {
  const simulator = await simulatorFor(t, { contentFilter: 'asynchronous' });
  const prompt = 'Write 200 words';
  const response = await post(simulator, CHAT_PATH, chatBody(prompt, { stream: true }));
  const chunks = eventsOf(await response.text());
  const annotations = chunks.flatMap(choicesOf).filter((choice) => choice.content_filter_offsets !== undefined);
  assert.ok(annotations.length >= 2);
  let checked = 0;
  for (const choice of annotations) {
    assert.ok(!('delta' in choice));
    const offset = Number(at(choice, 'content_filter_offsets', 'check_offset'));
    assert.ok(offset >= checked, 'it never decreases');
    checked = offset;
  }
  const answer = chatText(chunks);
  assert.equal(at(annotations.at(-1), 'content_filter_offsets', 'end_offset'), prompt.length + answer.length);
  const tokens = chunks.filter((chunk) => chatText([chunk]) !== '');
  assert.ok(tokens.every((chunk) => !('content_filter_results' in (choicesOf(chunk)[0] ?? {}))));
  const annotated = chunks.filter((chunk) => at(choicesOf(chunk), 0, 'content_filter_offsets') !== undefined);
  assert.ok(annotated.every((chunk) => chunk.id === '' && chunk.model === '' && chunk.created === 0));
});

for (const [surface, path, body] of [
  ['chat', CHAT_PATH, chatBody('Hello', { stream: true })],
  ['responses', RESPONSES_PATH, responsesBody('Hello', { stream: true })],
] as const) {
  test(`3. a filtered prompt is JSON with status 400, for a stream too (${surface})`, async (t) => {
    const simulator = await simulatorFor(t);
    simulator.addFault({ kind: 'promptFilter' });
    const response = await post(simulator, path, body);
    assert.equal(response.status, 400);
    assert.equal(response.headers.get('content-type'), 'application/json');
    const error = at(await response.json(), 'error');
    assert.equal(at(error, 'type'), null);
    assert.equal(at(error, 'param'), 'prompt');
    assert.equal(at(error, 'code'), 'content_filter');
    assert.equal(at(error, 'status'), 400);
    assert.equal(at(error, 'innererror', 'code'), 'ResponsibleAIPolicyViolation');
    assert.equal(at(error, 'innererror', 'content_filter_result', 'jailbreak', 'filtered'), true);
  });
}

test('4. a rate limit of a Responses stream comes inside HTTP 200', async (t) => {
  const simulator = await simulatorFor(t);
  simulator.addFault({ kind: 'responsesRateLimit', retryAfterSeconds: 7, count: 1 });
  const response = await post(simulator, RESPONSES_PATH, responsesBody('Hello', { stream: true }));
  assert.equal(response.status, 200);
  assert.equal(response.headers.get('retry-after'), '7');
  assert.equal(response.headers.get('x-ratelimit-remaining-tokens'), '0');
  const events = eventsOf(await response.text());
  assert.deepEqual(
    events.map((event) => event.type),
    ['response.created', 'response.failed', 'error'],
  );
  assert.equal(at(events[1], 'response', 'status'), 'failed');
  assert.equal(at(events[1], 'response', 'error'), null);
  assert.equal(at(events[2], 'error', 'code'), 'rate_limit_exceeded');
  assert.equal(at(events[2], 'error', 'type'), 'too_many_requests');
  const [call] = await simulator.waitForCalls({ ended: true });
  assert.equal(call?.completed, false);
  assert.equal((await post(simulator, RESPONSES_PATH, responsesBody('Hello', { stream: true }))).ok, true);
});

test('4. a JSON call in the same state gets the ordinary 429', async (t) => {
  const simulator = await simulatorFor(t);
  simulator.addFault({ kind: 'responsesRateLimit' });
  const response = await post(simulator, RESPONSES_PATH, responsesBody('Hello'));
  assert.equal(response.status, 429);
  assert.match(String(at(await response.json(), 'error', 'message')), /Please retry after 10 seconds/);
});

test('5. chat streams tell usage only when asked, in a chunk without choices before [DONE]', async (t) => {
  const simulator = await simulatorFor(t);
  const asked = chatBody('What is the capital of France?', { stream: true, stream_options: { include_usage: true } });
  const text = await (await post(simulator, CHAT_PATH, asked)).text();
  assert.ok(text.endsWith('data: [DONE]\n\n'));
  const chunks = eventsOf(text);
  const last = chunks.pop();
  assert.deepEqual(last?.choices, []);
  assert.equal(at(last, 'usage', 'prompt_tokens'), 14);
  assert.equal(at(last, 'usage', 'completion_tokens'), 7);
  assert.equal(at(last, 'usage', 'total_tokens'), 21);
  assert.ok(chunks.every((chunk) => chunk.usage === null));

  const unasked = await post(simulator, CHAT_PATH, chatBody('What is the capital of France?', { stream: true }));
  assert.ok(eventsOf(await unasked.text()).every((chunk) => !('usage' in chunk)));
  const told = (await simulator.waitForCalls({ ended: true }, { count: 2 })).map((call) => call.usageSent);
  assert.deepEqual(told, [true, false]);
  assert.equal(simulator.totals().all.issued.totalTokens, 42);
});

test('5. Responses streams tell it in response.completed, and no [DONE] follows', async (t) => {
  const simulator = await simulatorFor(t);
  const body = responsesBody('What is the capital of France?', { stream: true });
  const text = await (await post(simulator, RESPONSES_PATH, body)).text();
  assert.ok(!text.includes('[DONE]'));
  const events = eventsOf(text);
  const last = events.at(-1);
  assert.equal(last?.type, 'response.completed');
  assert.deepEqual(at(last, 'response', 'usage'), {
    input_tokens: 14,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens: 7,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: 21,
  });
  assert.ok(events.slice(0, -1).every((event) => at(event, 'response', 'usage') == null));
});
