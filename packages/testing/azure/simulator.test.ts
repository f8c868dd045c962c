import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import test from 'node:test';
import { connectAzureSimulator, startAzureSimulator } from './index.ts';
import {
  at,
  CHAT_PATH,
  chatBody,
  chatText,
  eventsOf,
  post,
  RESPONSES_PATH,
  responsesBody,
  simulatorFor,
} from './test-kit.ts';

test('answers carry the provider’s headers, and the remaining figures go down', async (t) => {
  const simulator = await simulatorFor(t);
  const remaining = [];
  for (let call = 0; call < 2; call += 1) {
    const { headers } = await post(simulator, CHAT_PATH, chatBody('Hello'), {
      headers: { 'x-ms-client-request-id': 'mine' },
    });
    for (const name of ['apim-request-id', 'x-request-id', 'azureml-model-session', 'x-ratelimit-limit-tokens']) {
      assert.ok(headers.get(name), name);
    }
    assert.equal(headers.get('x-ms-region'), 'Sweden Central');
    assert.equal(headers.get('x-ms-client-request-id'), 'mine');
    assert.equal(headers.get('x-ms-deployment-name'), 'gpt-4o');
    remaining.push([headers.get('x-ratelimit-remaining-requests'), headers.get('x-ratelimit-remaining-tokens')]);
  }
  assert.equal(remaining[0]?.[0], '99999');
  assert.equal(remaining[1]?.[0], '99998');
  assert.ok(Number(remaining[1]?.[1]) < Number(remaining[0]?.[1]));
});

test('a deployment’s own limits are enforced, minute by minute', async (t) => {
  let now = Date.UTC(2026, 0, 1);
  const deployments = [
    { name: 'gpt-4o', requestsPerMinute: 1 },
    { name: 'gpt-4o-mini', tokensPerMinute: 20 },
  ];
  const simulator = await simulatorFor(t, { deployments, now: () => now });
  assert.equal((await post(simulator, CHAT_PATH, chatBody('Hello'))).status, 200);
  now += 12_345;
  const refused = await post(simulator, CHAT_PATH, chatBody('Hello'));
  assert.equal(refused.status, 429);
  assert.equal(refused.headers.get('retry-after'), '48');
  assert.equal(refused.headers.get('retry-after-ms'), '47655');
  assert.equal(refused.headers.get('x-ratelimit-remaining-requests'), '0');
  assert.match(
    String(at(await refused.json(), 'error', 'message')),
    /exceeded the call rate limit .* This request was for ChatCompletions_Create under Azure OpenAI API version 2024-10-21\. Please retry after 48 seconds\./,
  );
  const mini = () =>
    post(simulator, RESPONSES_PATH, responsesBody('What is the capital of France?', { model: 'gpt-4o-mini' }));
  assert.equal((await mini()).status, 200);
  assert.equal((await mini()).status, 429);
  now += 60_000;
  assert.equal((await post(simulator, CHAT_PATH, chatBody('Hello'))).status, 200);
  assert.equal((await mini()).status, 200);
});

test('what is no call gets Azure’s refusal', async (t) => {
  const simulator = await simulatorFor(t);
  const refusal = async (path: string, body: unknown, headers = {}) => {
    const response = await post(simulator, path, body, { headers });
    const { error } = (await response.json()) as { error: { code: string | null; message: string } };
    return [response.status, error.code, error.message.slice(0, 30)];
  };
  const hello = chatBody('Hello');
  assert.deepEqual(await refusal(CHAT_PATH, hello, { 'api-key': 'wrong' }), [
    401,
    '401',
    'Access denied due to invalid s',
  ]);
  const withoutVersion = CHAT_PATH.replace(/\?.*/, '');
  assert.deepEqual(await refusal(withoutVersion, hello), [404, '404', 'Resource not found']);
  assert.deepEqual(await refusal('/openai/nothing?api-version=2024-10-21', hello), [404, '404', 'Resource not found']);
  const oldResponses = '/openai/responses?api-version=2024-10-21';
  assert.deepEqual((await refusal(oldResponses, responsesBody('Hi'))).slice(0, 2), [400, 'BadRequest']);
  const datedV1 = `${RESPONSES_PATH}?api-version=2025-04-01-preview`;
  assert.deepEqual(await refusal(datedV1, responsesBody('Hi')), [400, 'BadRequest', 'API version not supported']);
  assert.deepEqual(await refusal(CHAT_PATH, '{"messages":'), [400, null, 'We could not parse the JSON bo']);
  assert.deepEqual(await refusal(CHAT_PATH, ''), [400, null, 'We could not parse the JSON bo']);
  assert.deepEqual((await refusal(CHAT_PATH, {})).slice(0, 2), [400, 'missing_required_parameter']);
  assert.deepEqual((await refusal(CHAT_PATH, { messages: [] })).slice(0, 2), [400, 'empty_array']);
  assert.deepEqual((await refusal(CHAT_PATH, { messages: 'Hi' })).slice(0, 2), [400, 'invalid_type']);
  const hot = chatBody('Hi', { temperature: 3 });
  assert.deepEqual((await refusal(CHAT_PATH, hot)).slice(0, 2), [400, 'decimal_above_max_value']);
  assert.deepEqual((await refusal(RESPONSES_PATH, { input: 'Hi' })).slice(0, 2), [400, 'missing_required_parameter']);
  const totals = simulator.totals();
  assert.equal(totals.all.completed, 0);
  assert.equal(totals.all.other, totals.all.calls);
});

test('a Bearer key is as good as the header', async (t) => {
  const simulator = await simulatorFor(t);
  const headers = { authorization: `Bearer ${simulator.apiKey}` };
  const body = JSON.stringify(chatBody('Hello'));
  assert.equal((await fetch(simulator.address + CHAT_PATH, { method: 'POST', headers, body })).status, 200);
});

test('records what came, whole or as its hash and beginning', async (t) => {
  const simulator = await simulatorFor(t, { recordedCallsMax: 2 });
  await post(simulator, CHAT_PATH, chatBody('falls out'));
  await post(simulator, CHAT_PATH, chatBody('Hello'), { headers: { 'x-caller': 'me' } });
  const large = JSON.stringify(responsesBody(`Hello ${'word '.repeat(50_000)}`));
  await post(simulator, RESPONSES_PATH, large);
  const calls = await simulator.waitForCalls({ ended: true }, { count: 2 });
  assert.deepEqual(
    calls.map((call) => call.sequence),
    [2, 3],
  );
  const [first, second] = calls;
  assert.equal(first?.path, CHAT_PATH);
  assert.equal(first?.headers['x-caller'], 'me');
  assert.equal(first?.body, JSON.stringify(chatBody('Hello')));
  assert.deepEqual([first?.completed, first?.status, first?.bodyTruncated], [true, 200, false]);
  assert.equal(second?.bodyBytes, large.length);
  assert.equal(second?.body, large.slice(0, 65_536));
  assert.equal(second?.bodySha256, createHash('sha256').update(large).digest('hex'));
  assert.equal(second?.bodyTruncated, true);
  assert.deepEqual(
    simulator.calls({ surface: 'responses' }).map((call) => call.sequence),
    [3],
  );
});

test('bodies of 32 MiB are received, larger ones refused, megabytes echoed', async (t) => {
  const simulator = await simulatorFor(t);
  const room = 32 * 1024 * 1024 - JSON.stringify(responsesBody('')).length;
  const fits = JSON.stringify(responsesBody('toll '.repeat(room / 5 + 1).slice(0, room)));
  assert.equal(fits.length, 32 * 1024 * 1024);
  assert.equal((await post(simulator, RESPONSES_PATH, fits)).status, 200);
  assert.equal((await post(simulator, RESPONSES_PATH, `${fits} `)).status, 413);

  const prompt = `Repeat ${'toll '.repeat(800_000)}`;
  const answer = await (await post(simulator, RESPONSES_PATH, responsesBody(prompt))).json();
  assert.equal(at(answer, 'output', 0, 'content', 0, 'text'), prompt);
});

test('a stream of megabytes waits for its reader', async (t) => {
  const simulator = await simulatorFor(t);
  const response = await post(simulator, CHAT_PATH, chatBody('Write 2 MiB', { stream: true }));
  const text = await response.text();
  assert.equal(chatText(eventsOf(text)).length, 2 * 1024 * 1024);
  const [call] = await simulator.waitForCalls({ ended: true });
  assert.equal(call?.completed, true);
});

test('a caller that leaves in mid-stream is recorded with what it had got', async (t) => {
  const simulator = await simulatorFor(t, { tokensPerSecond: 1_000 });
  const caller = new AbortController();
  const body = chatBody('Write 20000 words', { stream: true });
  const response = await post(simulator, CHAT_PATH, body, { signal: caller.signal });
  await response.body?.getReader().read();
  caller.abort();
  const [call] = await simulator.waitForCalls({ ended: true });
  assert.deepEqual([call?.aborted, call?.completed, call?.usageSent], [true, false, false]);
  assert.ok((call?.usage?.completionTokens ?? 0) < 20_000);
  assert.equal(simulator.totals().deployments['gpt-4o']?.aborted, 1);
  assert.equal(simulator.totals().all.issued.totalTokens, 0);
});

test('a pace makes the model as slow as it says, in JSON too', async (t) => {
  const simulator = await simulatorFor(t, { firstTokenMs: 30, tokensPerSecond: 200 });
  for (const stream of [false, true]) {
    const started = performance.now();
    await (await post(simulator, CHAT_PATH, chatBody('Write 20 words', { stream }))).text();
    assert.ok(performance.now() - started >= 125, 'thirty milliseconds, and twenty tokens at five each');
  }
});

test('the control API does the same from another process', async (t) => {
  const simulator = await simulatorFor(t);
  const remote = connectAzureSimulator(simulator.address);
  const id = await remote.addFault({ kind: 'status', status: 429, count: 1 });
  assert.deepEqual(
    (await remote.faults()).map((fault) => fault.id),
    [id],
  );
  assert.equal((await post(simulator, CHAT_PATH, chatBody('Hello'))).status, 429);
  const waiting = remote.waitForCalls({ deployment: 'gpt-4o', afterSequence: 1, ended: true });
  assert.equal((await post(simulator, CHAT_PATH, chatBody('Hello'))).status, 200);
  assert.deepEqual(
    (await waiting).map((call) => call.completed),
    [true],
  );
  assert.equal((await remote.calls({ ended: true })).length, 2);
  assert.deepEqual(await remote.totals(), simulator.totals());
  await remote.addFault({ delayMs: 1 });
  await remote.clearFaults();
  assert.deepEqual(await remote.faults(), []);
  await remote.reset();
  assert.deepEqual(await remote.calls(), []);
  await assert.rejects(remote.waitForCalls({}, { timeoutMs: 10 }), /0 of 1 calls matched/);
  await assert.rejects(simulator.waitForCalls({}, { timeoutMs: 10 }), /0 of 1 calls matched \{\} within 10 ms/);
  await assert.rejects(remote.addFault({ kind: 'nothing' } as never), /kind cannot be/);
});

test('close ends calls that hang', async () => {
  const simulator = await startAzureSimulator();
  simulator.addFault({ kind: 'hangBeforeHeaders' });
  const hanging = assert.rejects(post(simulator, CHAT_PATH, chatBody('Hello')));
  await simulator.waitForCalls();
  await simulator.close();
  await hanging;
});

test('wrong options are refused', async () => {
  await assert.rejects(startAzureSimulator({ zeroDelay: true, tokensPerSecond: 5 }), /zeroDelay excludes/);
  await assert.rejects(startAzureSimulator({ port: 70_000 }), /port 70000/);
  await assert.rejects(startAzureSimulator({ apiKey: '' }), /needs an API key/);
  await assert.rejects(startAzureSimulator({ deployments: [{ name: 'a' }, { name: 'a' }] }), /given twice/);
});

test('where tokens are asked for, a key is worth nothing, and a token only while it is valid', async (t) => {
  const valid = new Set(['issued']);
  const simulator = await simulatorFor(t, { tokens: { isValid: (token) => valid.has(token) } });
  const statusWith = async (headers: Record<string, string>) =>
    (
      await fetch(simulator.address + CHAT_PATH, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify(chatBody('Hello')),
      })
    ).status;
  assert.equal(await statusWith({ authorization: 'Bearer issued' }), 200);
  assert.equal(await statusWith({ authorization: 'Bearer made-up' }), 401);
  assert.equal(await statusWith({ 'api-key': simulator.apiKey }), 401);
  assert.equal(await statusWith({ 'api-key': simulator.apiKey, authorization: 'Bearer issued' }), 401);
  valid.clear();
  assert.equal(await statusWith({ authorization: 'Bearer issued' }), 401);
});
