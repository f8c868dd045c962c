import assert from 'node:assert/strict';
import { test } from 'node:test';
import { completeBytesMax } from '@tollgate/bus';
import { Surface } from '@tollgate/contracts';
import OpenAI from 'openai';
import { chatAnswer, messageAnswer, responseAnswer } from '../testdata/answers.ts';
import { type Rendered, render, type Shape } from './render.ts';

const nowMs = 1_800_000_000_500;
const nowSeconds = 1_800_000_000;
const chatShape: Shape = { surface: Surface.CHAT_COMPLETIONS, stream: false, includeUsage: false };
const responseShape: Shape = { surface: Surface.RESPONSES, stream: false, includeUsage: false };

function rendered(answer: object, shape: Shape): Rendered {
  const found = render({ ...answer }, shape, nowMs);
  assert.ok(found);
  return found;
}
const textOf = (answer: object, shape: Shape) => Buffer.from(rendered(answer, shape).body).toString();

/** The official client, given the rendered bytes as its answer. */
function client(answer: object, shape: Shape): OpenAI {
  const { body, contentType } = rendered(answer, shape);
  const headers = { 'content-type': contentType };
  return new OpenAI({ apiKey: 'unused', fetch: async () => new Response(Buffer.from(body), { headers }) });
}

// Two pieces, the first of which would end inside a surrogate pair.
const longText = `${'a'.repeat(4095)}😀${'b'.repeat(100)}`;

test('a chat answer as JSON: the same, with an id and a time of its own', () => {
  const found = JSON.parse(textOf(chatAnswer(), chatShape));
  assert.match(found.id, /^chatcmpl-[0-9a-f]{48}$/);
  assert.deepEqual({ ...found, id: 'chatcmpl-first' }, { ...chatAnswer(), created: nowSeconds });
  assert.equal(rendered(chatAnswer(), chatShape).contentType, 'application/json');
  assert.notEqual(found.id, JSON.parse(textOf(chatAnswer(), chatShape)).id);
});

test('a chat answer as a stream: role, content, finish, usage when asked for, [DONE]', () => {
  const text = textOf(chatAnswer(longText), { ...chatShape, stream: true, includeUsage: true });
  const events = text.split('\n\n').filter((event) => event !== '');
  assert.equal(events.pop(), 'data: [DONE]');
  const chunks = events.map((event) => JSON.parse(event.replace(/^data: /, '')));
  assert.deepEqual(chunks[0].choices[0].delta, { role: 'assistant', content: '', refusal: null });
  assert.deepEqual(
    chunks.map((chunk) => [chunk.choices[0]?.delta.content?.length, chunk.choices[0]?.finish_reason, chunk.usage]),
    [
      [0, null, null],
      [4095, null, null],
      [102, null, null],
      [undefined, 'stop', null],
      [undefined, undefined, chatAnswer().usage],
    ],
  );
  assert.equal(new Set(chunks.map((chunk) => chunk.id)).size, 1);
  const unasked = textOf(chatAnswer(), { ...chatShape, stream: true });
  assert.doesNotMatch(unasked, /usage/);
  assert.match(unasked, /\n\ndata: \[DONE\]\n\n$/);
});

test('the official client reads a chat stream back to the kept answer', async () => {
  const probed = chatAnswer(longText, {}, { logprobs: { content: [{ token: 'a', logprob: -1 }], refusal: null } });
  for (const answer of [chatAnswer(longText), probed]) {
    const openai = client(answer, { ...chatShape, stream: true, includeUsage: true });
    const stream = openai.chat.completions.stream({
      model: 'm',
      messages: [],
      stream_options: { include_usage: true },
    });
    const final = await stream.finalChatCompletion();
    const [choice] = final.choices;
    assert.equal(choice?.message.content, longText);
    assert.equal(choice?.finish_reason, 'stop');
    assert.deepEqual(choice?.logprobs?.content, answer === probed ? [{ token: 'a', logprob: -1 }] : undefined);
    assert.deepEqual(final.usage, answer.usage);
    assert.equal(final.model, answer.model);
  }
});

test('a response as JSON: ids of its own, nothing else changed', () => {
  const found = JSON.parse(textOf(responseAnswer(), responseShape));
  assert.match(found.id, /^resp_[0-9a-f]{48}$/);
  assert.match(found.output[0].id, /^msg_[0-9a-f]{48}$/);
  const expected = responseAnswer('Paris.', { id: found.id, created_at: nowSeconds, completed_at: nowSeconds });
  expected.output = expected.output.map((item) => ({ ...item, id: found.output[0].id }));
  assert.deepEqual(found, expected);
});

test('a response as a stream: typed events in sequence, usage in the last, no [DONE]', () => {
  const text = textOf(responseAnswer(longText), { ...responseShape, stream: true });
  const events = text
    .split('\n\n')
    .filter((event) => event !== '')
    .map((event) => {
      const [, name, data] = /^event: (\S+)\ndata: (.*)$/.exec(event) ?? [];
      return { name, data: JSON.parse(data ?? '') };
    });
  assert.deepEqual(
    events.map(({ name }) => name),
    [
      'response.created',
      'response.in_progress',
      'response.output_item.added',
      'response.content_part.added',
      'response.output_text.delta',
      'response.output_text.delta',
      'response.output_text.done',
      'response.content_part.done',
      'response.output_item.done',
      'response.completed',
    ],
  );
  events.forEach(({ name, data }, index) => {
    assert.equal(data.type, name);
    assert.equal(data.sequence_number, index);
  });
  assert.equal(events[0]?.data.response.usage, null);
  assert.deepEqual(events.at(-1)?.data.response.usage, responseAnswer().usage);
  assert.doesNotMatch(text, /DONE/);
});

test('the official client reads a response stream back to the kept answer, reasoning included', async () => {
  const summary = [{ type: 'summary_text', text: 'Thinking of France.' }];
  const answer = responseAnswer(longText);
  const reasoned = { ...answer, output: [{ id: 'rs_first', type: 'reasoning', summary }, ...answer.output] };
  const openai = client(reasoned, { ...responseShape, stream: true });
  const final = await openai.responses.stream({ model: 'm', input: 'q' }).finalResponse();
  assert.equal(final.output_text, longText);
  assert.equal(final.status, 'completed');
  assert.deepEqual(final.usage, answer.usage);
  assert.deepEqual(final.output[0]?.type === 'reasoning' && final.output[0].summary, summary);
  assert.match(final.output[0]?.id ?? '', /^rs_[0-9a-f]{48}$/);
});

test('what would not fit one frame is no hit', () => {
  const text = 'x'.repeat(completeBytesMax / 2);
  assert.ok(render(responseAnswer(text), responseShape, nowMs));
  assert.equal(render(responseAnswer(text), { ...responseShape, stream: true }, nowMs), undefined);
});

test('a message as JSON and as a stream: the same, with an id of its own', () => {
  const citations = [{ type: 'char_location', cited_text: 'x' }];
  const answer = messageAnswer('x', {
    content: [
      { type: 'text', text: longText },
      { type: 'text', text: 'Cited.', citations },
    ],
  });
  const shape = { surface: Surface.MESSAGES, stream: false, includeUsage: false };
  const { id, ...json } = JSON.parse(textOf(answer, shape));
  assert.match(id, /^msg_[0-9a-f]{48}$/);
  assert.deepEqual({ ...json, id: answer.id }, answer);
  const events = [...textOf(answer, { ...shape, stream: true }).matchAll(/^event: (.+)\ndata: (.+)\n\n/gm)];
  const data = events.map(([, name, text = '']) => {
    const event = JSON.parse(text);
    assert.equal(event.type, name);
    return event;
  });
  const { message } = data[0];
  assert.deepEqual([message.content, message.stop_reason, message.usage.output_tokens], [[], null, 1]);
  const deltas = data.filter(({ type }) => type === 'content_block_delta');
  const texts = [0, 1].map((at) =>
    deltas.flatMap(({ index, delta }) => (index === at ? (delta.text ?? '') : '')).join(''),
  );
  assert.deepEqual(texts, [longText, 'Cited.']);
  assert.deepEqual(
    deltas.flatMap(({ delta }) => delta.citation ?? []),
    citations,
  );
  assert.deepEqual(data.at(-2), {
    ...{ type: 'message_delta', usage: answer.usage },
    delta: { stop_reason: 'end_turn', stop_sequence: null },
  });
  assert.deepEqual(data.at(-1), { type: 'message_stop' });
});
