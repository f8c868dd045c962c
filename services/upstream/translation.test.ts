import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { CacheFillPlan, RequestStatus, Surface } from '@tollgate/contracts';
import { type AnthropicSimulator, startAnthropicSimulator } from '@tollgate/testing/anthropic';
import { Harness } from './testing/harness.ts';
import { type Answer, chat, type DispatchFields, target } from './testing/peer.ts';

// What only a provider with a wire of its own has: refusals by name, thoughts, a prompt that is known before the end. The cases
// that all types of provider share are in providers/conformance.test.ts.

let harness: Harness;
let claude: AnthropicSimulator;
const sonnet = 'claude-sonnet-4-5';

before(async () => {
  // The key that the harness keeps in a file.
  [harness, claude] = await Promise.all([Harness.start(), startAnthropicSimulator({ apiKey: 'azure-simulator-key' })]);
  const models = `[{ name: sonnet, deployment: ${sonnet}, baseModel: ${sonnet} }]`;
  const provider = harness.provider('claude', { type: 'anthropic', endpoint: claude.address, models });
  const prices = ['gpt-4o', 'gpt-4o-mini', sonnet].map((name) => `\n  ${name}: { prompt: 3, completion: 15 }`).join('');
  await harness.apply(harness.provider('azure') + provider, prices);
  await harness.service('upstream-1');
});
after(async () => {
  await harness?.close();
  await claude?.close();
});
beforeEach(() => {
  harness.simulator.reset();
  claude.reset();
});

const ofClaude = (fields = {}) =>
  target('gpt-4o', { provider: 'claude', model: 'sonnet', deployment: sonnet, baseModel: sonnet, ...fields });
const question = 'What is the capital of France?';
const ask = (fields: DispatchFields): Promise<Answer> => harness.peer.ask({ targets: [ofClaude()], ...fields });

test('what Anthropic cannot be asked is refused by name, and costs nothing', async () => {
  const answer = await ask({ body: chat(question, { seed: 1 }) });
  const { error } = answer.end;
  assert.deepEqual([error?.code, error?.param], ['invalid_request', 'seed']);
  assert.match(error?.message ?? '', /^"seed" has no counterpart in Anthropic's API/);
  assert.equal(claude.calls().length, 0);
  const row = await harness.peer.row(answer.requestId);
  assert.deepEqual([row.status, row.httpStatus, row.code], [RequestStatus.FAILED, 400, 'invalid_request']);
  assert.deepEqual([row.attempts.length, row.costNanoUsd], [0, 0]);
});

test('in a rotation the next one answers, and that one counts as no attempt', async () => {
  for (const targets of [
    [ofClaude(), target('mini')],
    [target('mini'), ofClaude()],
  ]) {
    const answer = await ask({ body: chat(question, { seed: 1 }), targets, attemptsMax: 1 });
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.headers['x-tollgate-model'], 'mini');
    assert.equal(answer.headers['x-tollgate-attempts'], '1');
  }
  assert.equal(claude.calls().length, 0);
});

test('what another target fails with outweighs what this one cannot be asked', async () => {
  harness.simulator.addFault({ kind: 'status', status: 429 });
  const { end } = await ask({ body: chat(question, { seed: 1 }), targets: [ofClaude(), target('mini')] });
  assert.equal(end.error?.code, 'upstream_rate_limited');
});

test('who probes or counts hears that nothing came of it', async () => {
  const { requestId } = await ask({
    body: chat(question, { seed: 1 }),
    targets: [ofClaude({ probe: true, tellStart: true, tellEnd: true }), target('mini')],
  });
  const [report] = await harness.peer.reportsOf(requestId);
  assert.deepEqual([report?.provider, report?.outcome], ['claude', 'suspect']);
});

test('surfaces that it does not have are no surprise: embeddings, responses by id', async () => {
  const embeddings = await ask({ body: { model: 'x', input: 'a' }, surface: Surface.EMBEDDINGS });
  assert.equal(embeddings.end.error?.code, 'model_not_found');
  const stored = await ask({
    body: {},
    bodyBytes: 0,
    surface: Surface.STORED_RESPONSES,
    stored: { responseId: 'resp_callers', action: 'retrieve', query: '' },
    knownResponse: { providerId: 'resp_1', callersId: 'resp_callers' },
  });
  assert.equal(stored.end.error?.code, 'not_found');
});

test('an effort is a budget, and what was thought is shown', async () => {
  const answer = await ask({ body: chat(question, { reasoning_effort: 'low', max_completion_tokens: 4000 }) });
  const [call] = claude.calls();
  const { thinking, max_tokens: most } = JSON.parse(call?.body ?? '');
  assert.deepEqual([thinking, most], [{ type: 'enabled', budget_tokens: 2000 }, 4000]);
  const { message } = JSON.parse(answer.text).choices[0];
  assert.match(message.reasoning_content, /^They ask: /);
  assert.match(message.content, /Paris/);
});

test('a stream of thoughts begins with the first of them, where they are shown', async () => {
  claude.addFault({ kind: 'cut', afterChunks: 2 });
  const shown = await ask({ body: chat(question, { stream: true, reasoning_effort: 'low' }) });
  assert.equal((await harness.peer.row(shown.requestId)).status, RequestStatus.TRUNCATED);
  const hidden = await ask({
    body: { model: 'x', input: question, stream: true, reasoning: { effort: 'low' } },
    surface: Surface.RESPONSES,
    targets: [ofClaude(), target('mini')],
  });
  assert.equal(hidden.headers['x-tollgate-model'], 'mini', 'nothing was shown yet');
});

test('a response has sealed ids and gives thoughts back with a mark', async () => {
  const answer = await ask({
    body: {
      model: 'x',
      input: question,
      reasoning: { effort: 'low', summary: 'auto' },
      include: ['reasoning.encrypted_content'],
    },
    surface: Surface.RESPONSES,
  });
  const { id, output, store } = JSON.parse(answer.text);
  assert.match(id, /^resp_.{60,}/);
  assert.equal(store, false);
  assert.match(output[0].summary[0].text, /^They ask: /);
  assert.ok(output[0].encrypted_content.length > 60);
});

test('a stream that breaks is charged for exactly its prompt, and for what came', async () => {
  claude.addFault({ kind: 'cut', afterChunks: 5 });
  const { requestId } = await ask({ body: chat('Write 50 words', { stream: true }) });
  const row = await harness.peer.row(requestId);
  const { promptTokens } = claude.totals().all.unfinished;
  assert.deepEqual([row.status, row.billed?.prompt], [RequestStatus.TRUNCATED, promptTokens]);
  assert.ok((row.billed?.completion ?? 0) > 0);
});

test('an empty account is ours to mend, and another provider answers', async () => {
  const message = 'Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing.';
  const body = { type: 'error', error: { type: 'invalid_request_error', message } };
  claude.addFault({ kind: 'status', status: 400, body });
  const answer = await ask({ body: chat(question), targets: [ofClaude(), target('mini')] });
  assert.equal(answer.headers['x-tollgate-model'], 'mini');
  assert.equal((await ask({ body: chat(question) })).end.error?.code, 'upstream_misconfigured');
});

test('the words of a refusal pass, in OpenAI’s shape', async () => {
  const { status, text } = await ask({ body: { model: 'x', messages: [] } });
  assert.equal(status, 400);
  const message = 'messages: at least one message is required';
  assert.deepEqual(JSON.parse(text), { error: { message, type: 'invalid_request_error', param: null, code: null } });
});

for (const stream of [false, true]) {
  test(`a cache keeps the answer as OpenAI would have given it, ${stream ? 'streamed' : 'whole'}`, async () => {
    const plan = CacheFillPlan.decode(new Uint8Array());
    const cacheFill = { ...plan, proxy: 'sample.proxy', scopeId: 'team', text: question };
    const before = harness.peer.fills.length;
    await ask({ body: chat(question, { stream }), cacheFill });
    const fill = harness.peer.fills[before];
    const { object, choices } = JSON.parse(Buffer.from(fill?.answer ?? '').toString());
    assert.deepEqual([object, choices[0].message.content], ['chat.completion', 'The capital of France is Paris.']);
  });
}
