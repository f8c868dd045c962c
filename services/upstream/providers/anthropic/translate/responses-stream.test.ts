import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ResponseNames } from '../../../domain/response-names.ts';
import type { Step } from '../../../domain/stream/reader.ts';
import { ResponsesReader } from '../../../domain/stream/responses-reader.ts';
import { readEvent, SseSplitter } from '../../../domain/stream/sse.ts';
import { TranslatedReader } from '../../translated-reader.ts';
import { block, finish, json, overloaded, ping, sse, start, text } from '../testing/messages.ts';
import { responseShape } from './response-shape.ts';
import type { ResponseWish } from './responses-request.ts';
import { ResponsesStream } from './responses-stream.ts';
import { openThought } from './thoughts.ts';

const plain: ResponseWish = { summary: false, encrypted: false };

function follow(stream: string, wish = plain) {
  const names = new ResponseNames({
    seal: (id) => `sealed_${id}`,
    contentMark: () => 'mark.',
    itemTag: () => '~tag',
    known: undefined,
  });
  const reader = new TranslatedReader(
    new ResponsesReader({ price: () => '0.5', cacheable: true, names }),
    new ResponsesStream(responseShape({ metadata: { a: 'b' } }, 5000), wish),
  );
  const steps: Step[] = [];
  new SseSplitter(1_000_000).push(Buffer.from(stream), (buffer, from, to) => {
    steps.push(reader.read(readEvent(buffer, from, to), false));
  });
  const sent = steps.map((step) => ('rewritten' in step ? String(step.rewritten ?? '') : '')).join('');
  const events = sent
    .split('\n\n')
    .filter((event) => event !== '')
    .map((event) => {
      const [, name, data = ''] = /^event: (.*)\ndata: (.*)$/.exec(event) ?? [];
      const parsed = JSON.parse(data);
      assert.equal(parsed.type, name);
      return parsed;
    });
  return { reader, steps, events };
}

const types = (events: { type: string }[]) => events.map(({ type }) => type);

test('a text: every event of a response, in order and numbered', () => {
  const { reader, steps, events } = follow(
    sse([start(), ping, ...block(0, { type: 'text', text: '' }, ...text('Hel', 'lo!')), ...finish('end_turn')]),
  );
  assert.deepEqual(types(events), [
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
  ]);
  assert.deepEqual(
    events.map(({ sequence_number: number }) => number),
    [...events.keys()],
  );
  const [created, , added, part, delta, , done, , item, completed] = events;
  assert.equal(created.response.id, 'sealed_resp_01XFDUDYJgAACzvnptvVoYEL');
  assert.equal(created.response.status, 'in_progress');
  assert.deepEqual(created.response.metadata, { a: 'b' });
  assert.deepEqual([added.output_index, added.item.status, added.item.content], [0, 'in_progress', []]);
  assert.equal(part.item_id, added.item.id);
  assert.deepEqual([delta.item_id, delta.output_index, delta.content_index, delta.delta], [added.item.id, 0, 0, 'Hel']);
  assert.equal(done.text, 'Hello!');
  assert.equal(item.item.content[0].text, 'Hello!');
  assert.equal(completed.response.id, 'sealed_resp_01XFDUDYJgAACzvnptvVoYEL');
  assert.deepEqual(completed.response.output, [item.item]);
  assert.equal(completed.response.status, 'completed');
  assert.deepEqual([completed.response.usage.input_tokens, completed.response.usage.output_tokens], [25, 15]);
  assert.deepEqual([reader.usage?.tokens.prompt, reader.usage?.tokens.completion], [25, 15]);
  assert.deepEqual([reader.begun?.prompt, reader.begun?.completion], [25, 1], 'known before the end');
  assert.ok(reader.canonical());
  assert.deepEqual(
    steps.map((step) => (step.kind === 'pass' ? step.content : step.kind)),
    [false, 'drop', false, true, true, false, 'drop', 'last'],
    'content begins with the first text',
  );
});

test('parallel calls of tools, one without arguments', () => {
  const call = (id: string, name: string) => ({ type: 'tool_use', id, name, input: {} });
  const { events } = follow(
    sse([
      start(),
      ...block(0, call('toolu_1', 'get_weather'), ...json('', '{"city":', '"Paris"}')),
      ...block(1, call('toolu_2', 'now')),
      ...finish('tool_use'),
    ]),
  );
  assert.deepEqual(types(events).slice(2, -1), [
    'response.output_item.added',
    'response.function_call_arguments.delta',
    'response.function_call_arguments.delta',
    'response.function_call_arguments.done',
    'response.output_item.done',
    'response.output_item.added',
    'response.function_call_arguments.delta',
    'response.function_call_arguments.done',
    'response.output_item.done',
  ]);
  const { output } = events.at(-1).response;
  assert.deepEqual(
    output.map(({ call_id: id, name, arguments: given, status }: Record<string, string>) => [id, name, given, status]),
    [
      ['toolu_1', 'get_weather', '{"city":"Paris"}', 'completed'],
      ['toolu_2', 'now', '{}', 'completed'],
    ],
  );
  assert.equal(events[7].output_index, 1);
});

const thought = block(
  0,
  { type: 'thinking', thinking: '', signature: '' },
  { type: 'thinking_delta', thinking: 'H' },
  { type: 'thinking_delta', thinking: 'm.' },
  { type: 'signature_delta', signature: 'sig' },
);
const answered = [...block(1, { type: 'text', text: '' }, ...text('42')), ...finish('end_turn')];

test('what is thought is a summary where it is asked for', () => {
  const { events } = follow(sse([start(), ...thought, ...answered]), { summary: true, encrypted: true });
  assert.deepEqual(types(events).slice(2, 9), [
    'response.output_item.added',
    'response.reasoning_summary_part.added',
    'response.reasoning_summary_text.delta',
    'response.reasoning_summary_text.delta',
    'response.reasoning_summary_text.done',
    'response.reasoning_summary_part.done',
    'response.output_item.done',
  ]);
  const { item } = events[8];
  assert.deepEqual(item.summary, [{ type: 'summary_text', text: 'Hm.' }]);
  assert.match(item.encrypted_content, /^mark\./, 'it sticks to the provider that gave it');
  assert.deepEqual(openThought(item.encrypted_content.slice('mark.'.length)), {
    type: 'thinking',
    thinking: 'Hm.',
    signature: 'sig',
  });
});

test('and nothing but its place where it is not', () => {
  const { events } = follow(
    sse([start(), ...thought, ...block(1, { type: 'redacted_thinking', data: 'd' }), ...finish('end_turn')]),
  );
  assert.deepEqual(types(events).slice(2, -1), [
    'response.output_item.added',
    'response.output_item.done',
    'response.output_item.added',
    'response.output_item.done',
  ]);
  assert.deepEqual(events[3].item.summary, []);
  assert.equal(events[3].item.encrypted_content, undefined);
});

test('what is not whole ends as incomplete', () => {
  const { events } = follow(
    sse([start(), ...block(0, { type: 'text', text: '' }, ...text('a')), ...finish('max_tokens')]),
  );
  const last = events.at(-1);
  assert.equal(last.type, 'response.incomplete');
  assert.deepEqual(last.response.incomplete_details, { reason: 'max_output_tokens' });
});

test('an error of the provider’s is its status, a stream without a reason is not whole', () => {
  const step = follow(sse([start(), overloaded])).steps.at(-1);
  assert.ok(step?.kind === 'error' && step.status === 529);
  assert.equal(follow(sse([start(), { type: 'message_stop' }])).steps.at(-1)?.kind, 'garbage');
});
