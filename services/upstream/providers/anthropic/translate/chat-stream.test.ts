import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ChatReader } from '../../../domain/stream/chat-reader.ts';
import type { Step } from '../../../domain/stream/reader.ts';
import { readEvent, SseSplitter } from '../../../domain/stream/sse.ts';
import { TranslatedReader } from '../../translated-reader.ts';
import { block, finish, json, overloaded, ping, sse, start, text } from '../testing/messages.ts';
import { ChatStream } from './chat-stream.ts';

/** What a caller gets of a stream, and what each event meant. */
function follow(stream: string, includeUsage = true) {
  const reader = new TranslatedReader(new ChatReader({ includeUsage, price: () => '0.5' }), new ChatStream(5000));
  const steps: Step[] = [];
  new SseSplitter(1_000_000).push(Buffer.from(stream), (buffer, from, to) => {
    steps.push(reader.read(readEvent(buffer, from, to), false));
  });
  const sent = steps.map((step) => ('rewritten' in step ? String(step.rewritten ?? '') : '')).join('');
  const events = sent.split('\n\n').filter((event) => event !== '');
  const chunks = events
    .filter((event) => event !== 'data: [DONE]')
    .map((event) => JSON.parse(event.replace('data: ', '')));
  return { reader, steps, chunks, last: events.at(-1) };
}

const deltas = (chunks: { choices: { delta: object }[] }[]) =>
  chunks.flatMap(({ choices }) => choices.map(({ delta }) => delta));

test('a text: role, deltas, reason, usage, [DONE]', () => {
  const { reader, steps, chunks, last } = follow(
    sse([start(), ping, ...block(0, { type: 'text', text: '' }, ...text('Hel', 'lo!')), ...finish('end_turn')]),
  );
  assert.deepEqual(deltas(chunks), [
    { role: 'assistant', content: '', refusal: null },
    { content: 'Hel' },
    { content: 'lo!' },
    {},
  ]);
  for (const chunk of chunks) {
    assert.equal(chunk.id, 'chatcmpl-01XFDUDYJgAACzvnptvVoYEL');
    assert.equal(chunk.object, 'chat.completion.chunk');
    assert.equal(chunk.created, 5);
    assert.equal(chunk.model, 'claude-sonnet-4-5-20250929');
  }
  assert.equal(chunks[3].choices[0].finish_reason, 'stop');
  assert.deepEqual(chunks[4].choices, []);
  assert.equal(chunks[4].usage.prompt_tokens, 25, 'of the start');
  assert.equal(chunks[4].usage.completion_tokens, 15, 'of the end');
  assert.equal(chunks[4].usage['x-tollgate-cost-usd'], 0.5);
  assert.equal(last, 'data: [DONE]');
  assert.deepEqual(
    steps.map((step) => (step.kind === 'pass' ? step.content : step.kind)),
    [false, 'drop', 'drop', true, true, 'drop', false, 'last'],
    'content begins with the first text',
  );
  assert.deepEqual([reader.usage?.tokens.prompt, reader.usage?.tokens.completion], [25, 15]);
  assert.deepEqual([reader.begun?.prompt, reader.begun?.completion], [25, 1], 'known before the end');
  assert.equal(reader.textBytes, 6);
});

test('usage that was not asked for is read, and not shown', () => {
  const { reader, chunks } = follow(
    sse([start(), ...block(0, { type: 'text', text: '' }, ...text('a')), ...finish('max_tokens')]),
    false,
  );
  assert.ok(chunks.every(({ choices }) => choices.length === 1));
  assert.equal(chunks.at(-1).choices[0].finish_reason, 'length');
  assert.equal(reader.usage?.tokens.completion, 15);
});

test('parallel calls of tools, one without arguments', () => {
  const call = (id: string, name: string) => ({ type: 'tool_use', id, name, input: {} });
  const { chunks } = follow(
    sse([
      start(),
      ...block(0, { type: 'text', text: '' }, ...text('So.')),
      ...block(1, call('toolu_1', 'get_weather'), ...json('', '{"city":', '"Paris"}')),
      ...block(2, call('toolu_2', 'now')),
      ...finish('tool_use'),
    ]),
  );
  const calls = deltas(chunks).flatMap((delta) => ('tool_calls' in delta ? (delta.tool_calls as object[]) : []));
  assert.deepEqual(calls, [
    { index: 0, id: 'toolu_1', type: 'function', function: { name: 'get_weather', arguments: '' } },
    { index: 0, function: { arguments: '{"city":' } },
    { index: 0, function: { arguments: '"Paris"}' } },
    { index: 1, id: 'toolu_2', type: 'function', function: { name: 'now', arguments: '' } },
    { index: 1, function: { arguments: '{}' } },
  ]);
  assert.equal(chunks.at(-2).choices[0].finish_reason, 'tool_calls');
});

test('what is thought comes as reasoning_content; signatures and what is hidden do not', () => {
  const { chunks } = follow(
    sse([
      start(),
      ...block(
        0,
        { type: 'thinking', thinking: '', signature: '' },
        { type: 'thinking_delta', thinking: 'Hm.' },
        { type: 'signature_delta', signature: 's' },
      ),
      ...block(1, { type: 'redacted_thinking', data: 'd' }),
      ...block(2, { type: 'text', text: '' }, ...text('42')),
      ...finish('end_turn'),
    ]),
  );
  assert.deepEqual(deltas(chunks).slice(1), [{ reasoning_content: 'Hm.' }, { content: '42' }, {}]);
});

test('an error of the provider’s is its status', () => {
  const { steps } = follow(sse([start(), overloaded]));
  const step = steps.at(-1);
  assert.ok(step?.kind === 'error');
  assert.equal(step.status, 529);
  assert.deepEqual(JSON.parse(String(step.refusal?.body)), {
    error: { message: 'Overloaded', type: 'overloaded_error', param: null, code: null },
  });
});

test('a stream that ends without a reason is not whole', () => {
  const { steps } = follow(
    sse([start(), ...block(0, { type: 'text', text: '' }, ...text('a')), { type: 'message_stop' }]),
  );
  assert.equal(steps.at(-1)?.kind, 'garbage');
  assert.equal(follow(sse([start()])).reader.ended(), undefined, 'a cut');
  assert.equal(follow('data: nonsense\n\n').steps.at(-1)?.kind, 'garbage');
});

test('events that Anthropic may add are nobody’s', () => {
  assert.equal(follow(sse([{ type: 'message_annotated' }])).steps[0]?.kind, 'drop');
});
