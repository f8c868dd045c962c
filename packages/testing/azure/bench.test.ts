import assert from 'node:assert/strict';
import test from 'node:test';
import OpenAI, { AzureOpenAI } from 'openai';
import { BENCH_COMPLETION_TOKENS, BENCH_PIECES } from './bench-templates.ts';
import { CHAT_PATH, chatBody, eventsOf, post, RESPONSES_PATH, responsesBody, simulatorFor } from './test-kit.ts';
import { countTokens, textOf } from './tokens.ts';

test('the prebuilt answer costs what the tokenizer says', async () => {
  assert.equal(await countTokens(textOf(BENCH_PIECES)), BENCH_COMPLETION_TOKENS);
});

test('the official clients read it, and the totals are what they were told', async (t) => {
  const simulator = await simulatorFor(t, { zeroDelay: true });
  const { address, apiKey } = simulator;
  const clients = [
    new OpenAI({ baseURL: `${address}/openai/v1`, apiKey }),
    new AzureOpenAI({ endpoint: address, apiKey, apiVersion: '2025-04-01-preview' }),
  ];
  let told = 0;
  const ids = new Set<string>();
  for (const client of clients) {
    const ask = { model: 'gpt-4o', messages: [{ role: 'user' as const, content: 'Hello "stream":true' }] };
    const completion = await client.chat.completions.create(ask);
    const stream = client.chat.completions.stream({ ...ask, stream_options: { include_usage: true } });
    const streamed = await stream.finalChatCompletion();
    const response = await client.responses.create({ model: 'gpt-4o', input: 'Hello' });
    const events = await client.responses.stream({ model: 'gpt-4o', input: 'Hello' }).finalResponse();
    for (const chat of [completion, streamed]) {
      assert.equal(chat.choices[0]?.message.content, 'The capital of France is Paris.');
      assert.equal(chat.usage?.total_tokens, (chat.usage?.prompt_tokens ?? 0) + BENCH_COMPLETION_TOKENS);
      assert.equal(chat.model, 'gpt-4o-2024-11-20');
      told += chat.usage?.total_tokens ?? 0;
      ids.add(chat.id);
    }
    for (const answer of [response, events]) {
      assert.equal(answer.output_text, 'The capital of France is Paris.');
      told += answer.usage?.total_tokens ?? 0;
      ids.add(answer.id);
    }
  }
  assert.equal(ids.size, 8);
  assert.equal(simulator.totals().all.issued.totalTokens, told);
  assert.equal(simulator.totals().all.completed, 8);
  assert.deepEqual(simulator.calls(), []);
});

test('usage of chat streams comes only when asked, and a quarter of the bytes is the prompt', async (t) => {
  const simulator = await simulatorFor(t, { zeroDelay: true });
  const body = JSON.stringify(chatBody('Hello', { stream: true }));
  const chunks = eventsOf(await (await post(simulator, CHAT_PATH, body)).text());
  assert.ok(chunks.every((chunk) => !('usage' in chunk)));
  assert.equal(simulator.totals().all.issued.promptTokens, Math.ceil(body.length / 4));
});

test('what it does not answer itself is answered as ever', async (t) => {
  const simulator = await simulatorFor(t, { zeroDelay: true });
  const wrongKey = await post(simulator, CHAT_PATH, chatBody('Hello'), { headers: { 'api-key': 'wrong' } });
  assert.equal(wrongKey.status, 401);
  assert.equal((await post(simulator, CHAT_PATH.replace(/\?.*/, ''), chatBody('Hello'))).status, 404);
  assert.equal((await post(simulator, RESPONSES_PATH, responsesBody('Hello', { model: 'gpt-9' }))).status, 404);
  const embeddings = await post(simulator, '/openai/v1/embeddings', { model: 'text-embedding-3-small', input: 'Hi' });
  assert.equal(embeddings.status, 200);
  const fault = await post(simulator, '/__sim/faults', { kind: 'cut' });
  assert.equal(fault.status, 409);
  assert.throws(() => simulator.addFault({ kind: 'cut' }), /bench mode/);
});

test('bodies of megabytes pass, and what stands behind their text counts', async (t) => {
  const simulator = await simulatorFor(t, { zeroDelay: true });
  const large = JSON.stringify({ model: 'gpt-4o', input: 'x'.repeat(16 * 1024 * 1024), stream: true });
  const answer = await post(simulator, RESPONSES_PATH, large);
  assert.equal(answer.status, 200);
  assert.match(answer.headers.get('content-type') ?? '', /event-stream/);
  await answer.text();
  assert.equal(simulator.totals().all.issued.promptTokens, Math.ceil(large.length / 4));
  assert.equal((await post(simulator, RESPONSES_PATH, responsesBody('x'.repeat(33 * 1024 * 1024)))).status, 413);
});
