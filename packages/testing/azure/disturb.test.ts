import assert from 'node:assert/strict';
import test from 'node:test';
import type { FaultSpec } from './faults.ts';
import {
  at,
  CHAT_PATH,
  chatBody,
  chatText,
  eventsOf,
  post,
  RESPONSES_PATH,
  rawPost,
  responsesBody,
  simulatorFor,
} from './test-kit.ts';

const QUESTION = 'What is the capital of France?';
const SURFACES = [
  ['chat', CHAT_PATH, chatBody(QUESTION), chatBody(QUESTION, { stream: true })],
  ['responses', RESPONSES_PATH, responsesBody(QUESTION), responsesBody(QUESTION, { stream: true })],
] as const;

/** How many content chunks came over, of either surface. */
function contentChunks(text: string): number {
  return eventsOf(text).filter((event) => chatText([event]) !== '' || event.type === 'response.output_text.delta')
    .length;
}

const wholeEvents = (text: string) => text.slice(0, text.lastIndexOf('\n\n') + 2);

for (const [surface, path, json, stream] of SURFACES) {
  test(`${surface}: status with Azure's body and each form of Retry-After`, async (t) => {
    const simulator = await simulatorFor(t, { now: () => Date.UTC(2026, 0, 1) });
    const forms: [FaultSpec, Record<string, string | null>][] = [
      [{ retryAfterSeconds: 20 }, { 'retry-after': '20', 'retry-after-ms': null }],
      [{ retryAfterMs: 1500 }, { 'retry-after': null, 'retry-after-ms': '1500' }],
      [{ retryAfterDateMs: 30_000 }, { 'retry-after': 'Thu, 01 Jan 2026 00:00:30 GMT' }],
      [{}, { 'retry-after': null, 'retry-after-ms': null }],
    ];
    for (const [form, headers] of forms) {
      simulator.addFault({ kind: 'status', status: 429, count: 1, ...form });
      const response = await post(simulator, path, stream);
      assert.equal(response.status, 429);
      assert.equal(response.headers.get('content-type'), 'application/json');
      for (const [name, value] of Object.entries(headers)) assert.equal(response.headers.get(name), value, name);
      assert.equal(at(await response.json(), 'error', 'code'), 'RateLimitReached');
    }
    for (const [status, code] of [
      [401, '401'],
      [403, '403'],
      [404, 'DeploymentNotFound'],
      [408, 'Timeout'],
      [500, null],
      [503, 'ServiceUnavailable'],
    ] as const) {
      simulator.addFault({ kind: 'status', status, count: 1 });
      const response = await post(simulator, path, json);
      assert.equal(response.status, status);
      assert.equal(at(await response.json(), 'error', 'code'), code);
    }
    const own: FaultSpec = {
      kind: 'status',
      status: 529,
      body: 'busy',
      contentType: 'text/plain',
      headers: { 'x-a': 'b' },
    };
    simulator.addFault(own);
    const response = await post(simulator, path, json);
    assert.deepEqual([response.status, response.headers.get('x-a'), await response.text()], [529, 'b', 'busy']);
  });

  test(`${surface}: hangs before and after the headers until the caller leaves`, async (t) => {
    const simulator = await simulatorFor(t);
    for (const body of [json, stream]) {
      simulator.reset();
      simulator.addFault({ kind: 'hangBeforeHeaders', count: 1 });
      const silent = new AbortController();
      const never = post(simulator, path, body, { signal: silent.signal });
      const [first] = await simulator.waitForCalls({ ended: false });
      assert.equal(first?.status, undefined);
      silent.abort();
      await assert.rejects(never, { name: 'AbortError' });

      simulator.addFault({ kind: 'hangAfterHeaders', count: 1 });
      const mute = new AbortController();
      const response = await post(simulator, path, body, { signal: mute.signal });
      assert.equal(response.status, 200);
      mute.abort();
      await assert.rejects(response.text());
      const calls = await simulator.waitForCalls({ ended: true }, { count: 2 });
      assert.deepEqual(
        calls.map(({ aborted, completed, status }) => ({ aborted, completed, status })),
        [
          { aborted: true, completed: false, status: undefined },
          { aborted: true, completed: false, status: 200 },
        ],
      );
    }
  });

  test(`${surface}: goes silent in mid-stream`, async (t) => {
    const simulator = await simulatorFor(t);
    simulator.addFault({ kind: 'hang', afterChunks: 2 });
    const caller = new AbortController();
    const response = await post(simulator, path, stream, { signal: caller.signal });
    let text = '';
    assert.ok(response.body);
    const decoder = new TextDecoder();
    await assert.rejects(async () => {
      for await (const piece of response.body ?? []) {
        text += decoder.decode(piece, { stream: true });
        if (contentChunks(text) === 2) caller.abort();
      }
    });
    const [call] = await simulator.waitForCalls({ ended: true });
    assert.equal(call?.usage?.completionTokens, 2, 'what was sent so far');
    assert.equal(simulator.totals().all.unfinished.completionTokens, 2);
  });

  test(`${surface}: cuts before headers, after headers, before the first content, in mid-stream, in mid-body`, async (t) => {
    const simulator = await simulatorFor(t);
    const cut = async (fault: FaultSpec, body: unknown) => {
      simulator.addFault({ ...fault, count: 1 });
      const answer = await rawPost(simulator, path, body);
      assert.equal(answer.whole, false);
      return answer;
    };
    for (const body of [json, stream]) {
      assert.equal((await cut({ kind: 'cutBeforeHeaders' }, body)).status, undefined);
      assert.equal((await cut({ kind: 'resetBeforeHeaders' }, body)).status, undefined);
      const headersOnly = await cut({ kind: 'cutAfterHeaders' }, body);
      assert.deepEqual([headersOnly.status, headersOnly.text], [200, '']);
    }
    const beforeContent = await cut({ kind: 'cut' }, stream);
    assert.ok(beforeContent.text.length > 0, 'the chunks without content came');
    assert.equal(contentChunks(beforeContent.text), 0);
    assert.equal(contentChunks((await cut({ kind: 'cut', afterChunks: 3 }, stream)).text), 3);
    const beforeEnd = await cut({ kind: 'cut', afterChunks: 1_000 }, stream);
    assert.equal(contentChunks(beforeEnd.text), 7, 'more chunks than there are: cut before the end');
    const half = await cut({ kind: 'cut' }, json);
    assert.ok(half.text.length > 0 && half.text.length < Number(half.headers['content-length']));
    const calls = await simulator.waitForCalls({ ended: true }, { count: 10 });
    assert.ok(calls.every((call) => !call.completed && !call.aborted));
  });

  test(`${surface}: garbage, a truncated answer, an error inside 200, a wrong content type`, async (t) => {
    const simulator = await simulatorFor(t);
    const disturbed = async (fault: FaultSpec, body: unknown) => {
      simulator.addFault({ ...fault, count: 1 });
      const answer = await rawPost(simulator, path, body);
      assert.deepEqual([answer.status, answer.whole], [200, true]);
      return answer;
    };
    const brokenJson = await disturbed({ kind: 'garbage' }, json);
    assert.throws(() => JSON.parse(brokenJson.text), SyntaxError);
    const brokenStream = await disturbed({ kind: 'garbage', afterChunks: 1 }, stream);
    assert.throws(() => eventsOf(brokenStream.text), SyntaxError);

    const truncatedJson = await disturbed({ kind: 'truncate' }, json);
    assert.throws(() => JSON.parse(truncatedJson.text), SyntaxError);
    const truncated = await disturbed({ kind: 'truncate', afterChunks: 2 }, stream);
    assert.equal(contentChunks(truncated.text), 2);
    assert.ok(!truncated.text.includes('[DONE]') && !truncated.text.includes('response.completed'));

    const errorJson = await disturbed({ kind: 'errorInOk', status: 503 }, json);
    assert.equal(at(JSON.parse(errorJson.text), 'error', 'code'), 'ServiceUnavailable');
    const errorStream = await disturbed({ kind: 'errorInOk', afterChunks: 1 }, stream);
    assert.equal(contentChunks(errorStream.text), 1);
    assert.equal(at(eventsOf(errorStream.text), -1, 'error', 'type'), 'server_error');

    const html = await disturbed({ kind: 'contentType', body: '<html>proxy</html>' }, json);
    assert.deepEqual([html.headers['content-type'], html.text], ['text/html', '<html>proxy</html>']);
    const plain = await disturbed({ kind: 'contentType', contentType: 'text/plain' }, stream);
    assert.equal(plain.headers['content-type'], 'text/plain');
    assert.equal(contentChunks(plain.text), 7);
  });

  test(`${surface}: the filter stops the answer half-way`, async (t) => {
    const simulator = await simulatorFor(t);
    simulator.addFault({ kind: 'completionFilter' });
    const whole = await (await post(simulator, path, json)).json();
    const events = eventsOf(await (await post(simulator, path, stream)).text());
    if (surface === 'chat') {
      assert.equal(at(whole, 'choices', 0, 'finish_reason'), 'content_filter');
      assert.equal(at(whole, 'choices', 0, 'content_filter_results', 'violence', 'filtered'), true);
      assert.equal(chatText(events), 'The capital of France');
      assert.equal(at(events, -1, 'choices', 0, 'finish_reason'), 'content_filter');
    } else {
      assert.equal(at(whole, 'incomplete_details', 'reason'), 'content_filter');
      assert.equal(at(events, -1, 'type'), 'response.incomplete');
    }
  });

  test(`${surface}: slow chunks come one by one`, async (t) => {
    const simulator = await simulatorFor(t);
    simulator.addFault({ chunkDelayMs: 15 });
    const started = performance.now();
    const { pieces } = await rawPost(simulator, path, stream);
    assert.ok(performance.now() - started >= 7 * 14, 'seven chunks, each after its delay');
    // A burst would bring all seven in one piece; a busy machine may join two of them.
    assert.ok(pieces.filter((piece) => contentChunks(piece) > 0).length >= 3);
  });

  test(`${surface}: a gate lets as many chunks pass as it was opened for`, async (t) => {
    const simulator = await simulatorFor(t);
    simulator.addFault({ gate: 'g' });
    const response = await post(simulator, path, stream);
    assert.ok(response.body);
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    const readUntil = async (chunks: number) => {
      while (contentChunks(wholeEvents(text)) < chunks) text += (await reader.read()).value ?? '';
      return contentChunks(wholeEvents(text));
    };
    for (const opened of [1, 2, 3]) {
      simulator.openGate('g');
      assert.equal(await readUntil(opened), opened);
    }
    const [running] = simulator.calls();
    assert.equal(running?.endedAt, undefined);
    simulator.openGate('g', 4);
    assert.equal(await readUntil(7), 7);
    assert.throws(() => simulator.openGate('g', 0), RangeError);
  });

  test(`${surface}: pings before each chunk`, async (t) => {
    const simulator = await simulatorFor(t);
    simulator.addFault({ pings: true });
    const text = await (await post(simulator, path, stream)).text();
    assert.equal(text.split(': keep-alive\n\nevent: ping\n').length, 8);
    assert.equal(contentChunks(text), 7);
  });

  test(`${surface}: a marker in the prompt is a fault for this call and no part of the prompt`, async (t) => {
    const simulator = await simulatorFor(t);
    const marked = (marker: string) =>
      surface === 'chat' ? chatBody(`Repeat this ${marker}`) : responsesBody(`Repeat this ${marker}`);
    assert.equal((await post(simulator, path, marked('[[sim {"kind":"status","status":503}]]'))).status, 503);
    const text = await (await post(simulator, path, marked('[[sim {"delayMs":1}]]'))).text();
    assert.match(text, /Repeat this"/);
    const elsewhere = marked('[[sim {"kind":"status","status":503,"deployment":"elsewhere"}]]');
    assert.equal((await post(simulator, path, elsewhere)).status, 200, 'meant for another deployment');
    const wrong = await post(simulator, path, marked('[[sim {"kind":"no such"}]]'));
    assert.equal(wrong.status, 400);
    assert.match(await wrong.text(), /kind cannot be/);
  });
}

test('cached and reasoning tokens can be asked for', async (t) => {
  const simulator = await simulatorFor(t);
  simulator.addFault({ cachedTokens: 10, reasoningTokens: 64 });
  const body = await (await post(simulator, CHAT_PATH, chatBody(QUESTION))).json();
  assert.equal(at(body, 'usage', 'prompt_tokens_details', 'cached_tokens'), 10);
  assert.equal(at(body, 'usage', 'completion_tokens'), 71);
  assert.equal(at(body, 'usage', 'completion_tokens_details', 'reasoning_tokens'), 64);
});

test('delay before headers, and faults matched by deployment, surface and stream', async (t) => {
  const simulator = await simulatorFor(t);
  simulator.addFault({ kind: 'status', status: 503, deployment: 'gpt-4o-mini' });
  simulator.addFault({ kind: 'status', status: 500, surface: 'responses', stream: true, count: 2 });
  simulator.addFault({ delayMs: 30, surface: 'chat', count: 1 });
  const started = performance.now();
  assert.equal((await post(simulator, CHAT_PATH, chatBody(QUESTION))).status, 200);
  assert.ok(performance.now() - started >= 29);
  assert.equal((await post(simulator, RESPONSES_PATH, responsesBody('Hi', { model: 'gpt-4o-mini' }))).status, 503);
  const streamed = responsesBody('Hi', { stream: true });
  const statuses = [];
  for (let call = 0; call < 3; call += 1) statuses.push((await post(simulator, RESPONSES_PATH, streamed)).status);
  assert.deepEqual(statuses, [500, 500, 200]);
});
