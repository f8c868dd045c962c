import assert from 'node:assert/strict';
import test from 'node:test';
import OpenAI, { AuthenticationError, AzureOpenAI, BadRequestError, NotFoundError, RateLimitError } from 'openai';
import type { AzureSimulator } from './simulator.ts';
import { simulatorFor } from './test-kit.ts';

const QUESTION = 'What is the capital of France?';
const MODEL = 'gpt-4o-2024-11-20';

function openai(simulator: AzureSimulator, apiKey = simulator.apiKey): OpenAI {
  return new OpenAI({ baseURL: `${simulator.address}/openai/v1`, apiKey, maxRetries: 0 });
}

function azure(simulator: AzureSimulator): AzureOpenAI {
  const { address: endpoint, apiKey } = simulator;
  return new AzureOpenAI({ endpoint, apiKey, apiVersion: '2025-04-01-preview', maxRetries: 0 });
}

for (const [name, connect] of [
  ['OpenAI', openai],
  ['AzureOpenAI', azure],
] as const) {
  test(`${name}: chat completions`, async (t) => {
    const client = connect(await simulatorFor(t));
    const completion = await client.chat.completions.create({
      model: 'gpt-4o',
      messages: [{ role: 'user', content: QUESTION }],
    });
    assert.equal(completion.choices[0]?.message.content, 'The capital of France is Paris.');
    assert.equal(completion.choices[0]?.finish_reason, 'stop');
    assert.equal(completion.model, MODEL);
    assert.equal(completion.usage?.prompt_tokens, 14);
    assert.equal(completion.usage?.completion_tokens, 7);
  });

  test(`${name}: chat stream`, async (t) => {
    const client = connect(await simulatorFor(t));
    const stream = client.chat.completions.stream({
      model: 'gpt-4o',
      messages: [{ role: 'user', content: QUESTION }],
      stream_options: { include_usage: true },
    });
    const completion = await stream.finalChatCompletion();
    assert.equal(completion.choices[0]?.message.content, 'The capital of France is Paris.');
    assert.equal(completion.usage?.total_tokens, 21);
  });

  test(`${name}: responses`, async (t) => {
    const client = connect(await simulatorFor(t));
    const response = await client.responses.create({ model: 'gpt-4o', input: QUESTION, instructions: 'Be brief.' });
    assert.equal(response.output_text, 'The capital of France is Paris.');
    assert.equal(response.status, 'completed');
    assert.equal(response.model, MODEL);
    assert.equal(response.instructions, 'Be brief.');
    assert.match(response.id, /^resp_/);
    assert.equal(response.output[0]?.type, 'message');
    assert.ok(response.usage && response.usage.input_tokens > 14, 'instructions cost tokens');
  });

  test(`${name}: responses stream`, async (t) => {
    const client = connect(await simulatorFor(t));
    const types: string[] = [];
    const numbers: number[] = [];
    let text = '';
    for await (const event of await client.responses.create({ model: 'gpt-4o', input: QUESTION, stream: true })) {
      if (event.type !== types.at(-1)) types.push(event.type);
      numbers.push(event.sequence_number);
      if (event.type === 'response.output_text.delta') text += event.delta;
    }
    assert.equal(text, 'The capital of France is Paris.');
    assert.deepEqual(types, [
      'response.created',
      'response.in_progress',
      'response.output_item.added',
      'response.content_part.added',
      'response.output_text.delta',
      'response.output_text.done',
      'response.content_part.done',
      'response.output_item.done',
      'response.completed',
    ]);
    assert.deepEqual(numbers, [...numbers.keys()]);
  });

  test(`${name}: embeddings, as base64 and as floats`, async (t) => {
    const client = connect(await simulatorFor(t));
    const model = 'text-embedding-3-small';
    const texts = ['the toll bridge opens', 'the toll bridge opens at noon', 'quite another matter'];
    const { data, usage } = await client.embeddings.create({ model, input: texts });
    const [bridge = [], noon = [], other = []] = data.map((entry) => entry.embedding);
    assert.equal(bridge.length, 1_536);
    assert.ok(Math.abs(dot(bridge, bridge) - 1) < 1e-5, 'a unit vector');
    assert.ok(dot(bridge, noon) > 0.8, 'texts that share words are near');
    assert.ok(dot(bridge, other) < 0.3);
    assert.equal(usage.prompt_tokens, 4 + 6 + 3);
    const floats = await client.embeddings.create({ model, input: 'the toll bridge opens', encoding_format: 'float' });
    assert.ok(Math.abs(dot(bridge, floats.data[0]?.embedding ?? []) - 1) < 1e-5);
  });

  test(`${name}: errors raise their classes`, async (t) => {
    const simulator = await simulatorFor(t);
    const client = connect(simulator);
    const ask = (model: string) =>
      client.chat.completions.create({ model, messages: [{ role: 'user', content: 'Hi' }] });
    await assert.rejects(ask('gpt-9'), (error) => {
      assert.ok(error instanceof NotFoundError);
      assert.equal(error.code, 'DeploymentNotFound');
      return true;
    });
    await assert.rejects(ask('text-embedding-3-small'), (error) => {
      assert.ok(error instanceof BadRequestError);
      assert.equal(error.code, 'OperationNotSupported');
      return true;
    });
    simulator.addFault({ kind: 'status', status: 429, retryAfterMs: 1500, retryAfterSeconds: 2 });
    await assert.rejects(ask('gpt-4o'), (error) => {
      assert.ok(error instanceof RateLimitError);
      assert.equal(error.code, 'RateLimitReached');
      assert.match(error.message, /Your requests to gpt-4o for gpt-4o in Sweden Central have exceeded the token rate/);
      assert.equal(error.headers.get('retry-after-ms'), '1500');
      return true;
    });
  });
}

test('a wrong key raises AuthenticationError with Azure’s text', async (t) => {
  const simulator = await simulatorFor(t);
  await assert.rejects(openai(simulator, 'wrong').models.list(), (error) => {
    assert.ok(error instanceof AuthenticationError);
    assert.match(error.message, /Access denied due to invalid subscription key or wrong API endpoint/);
    return true;
  });
});

test('tool calls, their results, and structured answers', async (t) => {
  const client = openai(await simulatorFor(t));
  const tool = {
    type: 'function' as const,
    function: { name: 'get_weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } },
  };
  const user = { role: 'user' as const, content: 'Call get_weather with {"city":"Paris"}' };
  const stream = client.chat.completions.stream({ model: 'gpt-4o', messages: [user], tools: [tool] });
  const { message, finish_reason: reason } = (await stream.finalChatCompletion()).choices[0] ?? {};
  assert.equal(reason, 'tool_calls');
  assert.equal(message?.content, null);
  const call = message?.tool_calls?.[0];
  assert.ok(call?.type === 'function' && message);
  assert.deepEqual(JSON.parse(call.function.arguments), { city: 'Paris' });
  const messages = [user, message, { role: 'tool' as const, tool_call_id: call.id, content: 'sunny' }];
  const answer = await client.chat.completions.create({ model: 'gpt-4o', tools: [tool], messages });
  assert.equal(answer.choices[0]?.message.content, 'The tool answered: sunny');

  const structured = await client.responses.create({
    model: 'gpt-4o',
    input: QUESTION,
    text: {
      format: {
        type: 'json_schema',
        name: 'answer',
        schema: { type: 'object', properties: { city: { type: 'string' } } },
      },
    },
  });
  assert.deepEqual(JSON.parse(structured.output_text), { city: 'The capital of France is Paris.' });
});

test('Responses: function calls, a conversation by id, retrieval and deletion', async (t) => {
  const client = openai(await simulatorFor(t));
  const tools = [{ type: 'function' as const, name: 'get_weather', parameters: {}, strict: false }];
  const streamed = client.responses.stream({ model: 'gpt-4o', input: 'use get_weather', tools });
  const called = await streamed.finalResponse();
  const item = called.output[0];
  assert.ok(item?.type === 'function_call');
  const next = await client.responses.create({
    model: 'gpt-4o',
    previous_response_id: called.id,
    input: [{ type: 'function_call_output', call_id: item.call_id, output: 'rain' }],
  });
  assert.equal(next.output_text, 'The tool answered: rain');
  assert.ok((next.usage?.input_tokens ?? 0) > 12, 'earlier turns cost tokens again');
  assert.deepEqual((await client.responses.retrieve(next.id)).output, next.output);
  assert.equal((await client.responses.inputItems.list(next.id)).data[0]?.type, 'function_call_output');
  await client.responses.delete(next.id);
  await assert.rejects(client.responses.retrieve(next.id), NotFoundError);
  const gone = client.responses.create({ model: 'gpt-4o', previous_response_id: next.id, input: 'And now?' });
  await assert.rejects(gone, { code: 'previous_response_not_found' });
});

test('Responses: items of stored responses by their ids, as references or reasoning; others are not found', async (t) => {
  const simulator = await simulatorFor(t);
  const client = openai(simulator);
  const include = ['reasoning.encrypted_content' as const];
  const first = await client.responses.create({ model: 'gpt-4o', input: QUESTION, include });
  const [thought, message] = first.output;
  assert.ok(thought?.type === 'reasoning' && message?.type === 'message');
  const question = (await client.responses.inputItems.list(first.id)).data[0]?.id ?? '';
  const ask = (items: object[], more = {}) =>
    client.responses.create({
      model: 'gpt-4o',
      input: [...items, { role: 'user', content: 'Go on' }] as never,
      ...more,
    });
  const alone = await ask([]);
  const references = [{ type: 'item_reference', id: question }, { id: message.id }];
  const next = await ask([{ type: 'reasoning', id: thought.id, summary: [] }, ...references]);
  const tokensOf = (response: typeof next) => response.usage?.input_tokens ?? 0;
  assert.ok(tokensOf(next) > tokensOf(alone) + 10, 'what they stand for is read');
  const unknown = { status: 404, type: 'invalid_request_error', param: 'input', code: null, message: /not found/ };
  const { output } = await ask([], { store: false });
  const missing = [{ type: 'item_reference', id: 'msg_1' }, { id: output[0]?.id }, { type: 'reasoning', id: 'rs_1' }];
  for (const item of missing) await assert.rejects(ask([item]), unknown);
  const long = { ...message, id: `msg_${'x'.repeat(61)}` };
  await assert.rejects(ask([long]), { status: 400, param: 'input[0].id', code: 'string_above_max_length' });
  await client.responses.delete(first.id);
  await assert.rejects(ask([{ id: message.id }]), unknown);
});

test('output limits: length, incomplete, and a limit that is too small', async (t) => {
  const client = openai(await simulatorFor(t));
  const messages = [{ role: 'user' as const, content: 'Write 100 words' }];
  for (const limit of [{ max_tokens: 10 }, { max_completion_tokens: 10 }]) {
    const short = await client.chat.completions.create({ model: 'gpt-4o', messages, n: 2, ...limit });
    assert.deepEqual(
      short.choices.map((choice) => choice.finish_reason),
      ['length', 'length'],
    );
    assert.equal(short.usage?.completion_tokens, 20);
  }
  const response = await client.responses.create({ model: 'gpt-4o', input: 'Write 100 words', max_output_tokens: 16 });
  assert.equal(response.status, 'incomplete');
  assert.equal(response.incomplete_details?.reason, 'max_output_tokens');
  assert.equal(response.usage?.output_tokens, 16);
  const streamed = client.responses.stream({ model: 'gpt-4o', input: 'Write 100 words', max_output_tokens: 16 });
  assert.equal((await streamed.finalResponse()).status, 'incomplete');
  await assert.rejects(client.responses.create({ model: 'gpt-4o', input: 'Hi', max_output_tokens: 5 }), {
    code: 'integer_below_min_value',
  });
});

test('a stop sequence ends the answer before it', async (t) => {
  const client = openai(await simulatorFor(t));
  const messages = [{ role: 'user' as const, content: QUESTION }];
  for (const stop of [' is', ['!', ' is']]) {
    const { choices } = await client.chat.completions.create({ model: 'gpt-4o', messages, stop });
    assert.deepEqual([choices[0]?.message.content, choices[0]?.finish_reason], ['The capital of France', 'stop']);
  }
});

test('the model list names what answers', async (t) => {
  const client = openai(await simulatorFor(t, { deployments: [{ name: 'prod-weu', model: 'gpt-4o' }] }));
  const ids = (await client.models.list()).data.map((model) => model.id);
  assert.deepEqual(ids, [MODEL]);
  const messages = [{ role: 'user' as const, content: 'Hi' }];
  assert.equal((await client.chat.completions.create({ model: 'prod-weu', messages })).model, MODEL);
});

function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, index) => sum + value * (b[index] ?? 0), 0);
}
