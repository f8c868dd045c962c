import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { Delivery, RequestStatus, Surface, type UsageEvent } from '@tollgate/contracts';
import { Harness } from './testing/harness.ts';
import { chat, type DispatchFields, target } from './testing/peer.ts';

let harness: Harness;
before(async () => {
  harness = await Harness.start();
  await harness.service('upstream-a');
});
after(() => harness?.close());
beforeEach(() => harness.simulator.reset());

const responses = (input: string, more: object = {}): DispatchFields => ({
  body: { model: 'x', input, ...more },
  surface: Surface.RESPONSES,
});
const plain = (prompt: string, more: object = {}): DispatchFields => ({ body: chat(prompt, more) });
const both = [target('gpt-4o'), target('mini')];

/** What the ledger says equals what the simulator issued. */
function assertMeasured(row: UsageEvent): void {
  const { issued } = harness.simulator.totals().all;
  const tokens = {
    prompt: issued.promptTokens,
    completion: issued.completionTokens,
    cachedPrompt: issued.cachedTokens,
    reasoning: issued.reasoningTokens,
    // Rare kinds are not on the wire where there are none.
    cacheWritePrompt: issued.cacheWriteTokens || undefined,
    audioPrompt: issued.audioPromptTokens || undefined,
    audioCompletion: issued.audioCompletionTokens || undefined,
  };
  assert.deepEqual(row.served, tokens);
  assert.deepEqual(row.billed, tokens);
  assert.equal(row.version, 3);
  assert.equal(row.estimated, false);
}

for (const [name, fields] of Object.entries({
  chat: plain('Capital of France?'),
  responses: responses('Capital of France?'),
})) {
  for (const stream of [false, true]) {
    test(`${name}, ${stream ? 'stream' : 'JSON'}: the answer, its headers, its row`, async () => {
      const usage = stream && name === 'chat' ? { stream_options: { include_usage: true } } : {};
      const answer = await harness.peer.ask({ ...fields, body: { ...fields.body, stream, ...usage } });
      assert.equal(answer.status, 200);
      assert.match(answer.text, /Paris/);
      assert.equal(answer.end.status, RequestStatus.COMPLETED);
      assert.equal(answer.end.error, undefined);
      assert.equal(answer.headers['x-tollgate-model'], 'gpt-4o');
      assert.equal(answer.headers['x-tollgate-attempts'], '1');
      assert.deepEqual(
        Object.keys(answer.headers).filter((header) => !header.startsWith('x-tollgate-')),
        ['content-type', 'server-timing'],
        'nothing else of the provider passes',
      );
      assert.match(answer.headers['server-timing'] ?? '', /^auth;dur=0\.01, .*upstream;dur=\d+(\.\d+)?$/);
      const row = await harness.peer.row(answer.requestId);
      assertMeasured(row);
      assert.equal(row.status, RequestStatus.COMPLETED);
      assert.equal(row.httpStatus, 200);
      assert.equal(row.provider, 'azure');
      assert.equal(row.model, 'gpt-4o');
      assert.equal(row.baseModel, 'gpt-4o');
      assert.equal(row.delivered, Delivery.COMPLETE);
      const { prompt = 0, completion = 0 } = row.served ?? {};
      assert.equal(row.costNanoUsd, prompt * 2500 + completion * 10_000);
      assert.ok(row.ttftMs > 0 && row.stageUs.upstream && row.stageUs.auth === 10);
      const cost = answer.headers['x-tollgate-cost-usd'];
      assert.equal(cost, stream ? undefined : String(row.costNanoUsd / 1e9));
    });
  }
}

test('a chat stream ends with [DONE] and hides the usage that was not asked for', async () => {
  const body = chat('Write 40 words', { stream: true, stream_options: { include_usage: true } });
  const hidden = await harness.peer.ask({ body });
  assert.match(hidden.text, /data: \[DONE\]\n\n$/);
  const events = hidden.text.split('\n\n').filter((event) => event.startsWith('data: {'));
  const chunks = events.map((event) => JSON.parse(event.slice(6)));
  assert.ok(chunks.every(({ choices }) => choices.length > 0 && choices.every((choice: object) => 'delta' in choice)));
  assert.ok(chunks[0].prompt_filter_results, 'they ride on the first chunk that has choices');
  const shown = await harness.peer.ask({ body, includeUsage: true });
  const last = JSON.parse(shown.text.split('\n\n').at(-3)?.slice(6) ?? '');
  assert.deepEqual(last.choices, []);
  const row = await harness.peer.row(shown.requestId);
  assert.equal(last.usage['x-tollgate-cost-usd'], row.costNanoUsd / 1e9);
});

test('cached and reasoning tokens are counted and priced', async () => {
  harness.simulator.addFault({ cachedTokens: 5, reasoningTokens: 7 });
  const answer = await harness.peer.ask(plain('Capital of France, please, once more?'));
  const row = await harness.peer.row(answer.requestId);
  assertMeasured(row);
  const { prompt = 0, completion = 0, cachedPrompt, reasoning } = row.served ?? {};
  assert.equal(cachedPrompt, 5);
  assert.equal(reasoning, 7);
  assert.equal(row.costNanoUsd, (prompt - 5) * 2500 + 5 * 1250 + completion * 10_000);
});

test('the deployment, the key and nothing of the caller reach the provider', async () => {
  await harness.peer.ask({
    ...plain('Repeat this: body stays as it is', { seed: 4, unknown_field: { a: [1, 2] } }),
    headers: { 'openai-beta': 'x=1', authorization: 'Bearer tg_secret', cookie: 'a', 'x-forwarded-for': '10.0.0.1' },
  });
  const [call] = harness.simulator.calls();
  assert.ok(call);
  assert.deepEqual(JSON.parse(call.body), {
    ...chat('Repeat this: body stays as it is', { seed: 4, unknown_field: { a: [1, 2] } }),
    model: 'gpt-4o',
  });
  assert.equal(call.path, '/openai/v1/chat/completions');
  assert.equal(call.headers['api-key'], harness.simulator.apiKey);
  assert.equal(call.headers['openai-beta'], 'x=1');
  for (const name of ['authorization', 'cookie', 'x-forwarded-for', 'accept-encoding'])
    assert.equal(call.headers[name], undefined);
});

test('a body without a model gets one', async () => {
  const { model: _model, ...body } = chat('Capital of France?');
  assert.equal((await harness.peer.ask({ body, targets: [target('mini')] })).status, 200);
  assert.equal(JSON.parse(harness.simulator.calls()[0]?.body ?? '').model, 'gpt-4o-mini');
});

test('large bodies come in parts, large answers leave in parts', async () => {
  const prompt = 'x'.repeat(1_200_000);
  const answer = await harness.peer.ask(plain(`Repeat ${prompt}`));
  assert.equal(answer.status, 200);
  assert.equal(JSON.parse(answer.text).choices[0].message.content, `Repeat ${prompt}`);
  const row = await harness.peer.row(answer.requestId);
  assertMeasured(row);
});

test("a refusal of the provider's passes whole, without a second try", async () => {
  harness.simulator.addFault({ kind: 'promptFilter' });
  const answer = await harness.peer.ask({ ...plain('anything', { stream: true }), targets: both });
  assert.equal(answer.status, 400);
  const { error } = JSON.parse(answer.text);
  assert.equal(error.code, 'content_filter');
  assert.ok(error.innererror);
  assert.equal(answer.headers['x-tollgate-attempts'], '1');
  assert.equal(answer.end.error, undefined);
  const row = await harness.peer.row(answer.requestId);
  assert.equal(row.status, RequestStatus.FAILED);
  assert.equal(row.httpStatus, 400);
  assert.equal(row.code, 'content_filter');
  assert.equal(row.estimated, true);
  assert.equal(row.billed?.prompt, 33, 'Azure bills a prompt that its filter stopped');
  assert.deepEqual([row.served?.prompt, row.served?.completion], [0, 0]);
  assert.deepEqual(
    harness.peer.reports.filter(({ requestId }) => requestId === answer.requestId),
    [],
  );
});

test('usage is estimated where the provider tells none, and said to be', async () => {
  const answer = await harness.peer.ask(plain('Write 40 words', { stream: true }));
  assert.equal(answer.end.status, RequestStatus.COMPLETED);
  const row = await harness.peer.row(answer.requestId);
  assert.equal(row.estimated, true);
  assert.equal(row.version, 2);
  assert.equal(row.served?.prompt, 33, "the receipt's estimate");
  const { completionTokens } = harness.simulator.totals().all.issued;
  const { completion = 0 } = row.served ?? {};
  assert.ok(
    completion > completionTokens / 2 && completion < completionTokens * 2,
    `${completion} for ${completionTokens}`,
  );
});
