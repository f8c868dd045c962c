import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ResponseNames } from '../response-names.ts';
import type { Step } from './reader.ts';
import { ResponsesReader } from './responses-reader.ts';

const usage = { input_tokens: 7, output_tokens: 3, total_tokens: 10 };
const final = { id: 'resp_1', object: 'response', status: 'completed', output: [], usage };

const known = { providerId: 'resp_0', callersId: 'resp_callers' };

function reader(cacheable = false) {
  const names = new ResponseNames({
    seal: (id) => `sealed_${id}`,
    contentMark: () => 'mark.',
    itemTag: () => '~tag',
    known,
  });
  const responses = new ResponsesReader({ price: () => '0.25', cacheable, names });
  const read = (type: string, fields: object = {}, contentSent = false) =>
    responses.read({ name: type, data: JSON.stringify({ type, sequence_number: 1, ...fields }) }, contentSent);
  return { responses, read };
}

test('frames around the content are no content, deltas of every kind are', () => {
  const { read, responses } = reader();
  for (const type of ['response.created', 'response.in_progress', 'response.output_item.added', 'response.new_thing']) {
    assert.deepEqual(read(type), { kind: 'pass', content: false });
  }
  for (const type of ['output_text', 'refusal', 'reasoning_summary_text', 'function_call_arguments']) {
    assert.deepEqual(read(`response.${type}.delta`, { delta: 'abc' }), { kind: 'pass', content: true });
  }
  assert.equal(responses.textBytes, 12);
});

test('the last event tells the usage, and its price', () => {
  const { read, responses } = reader(true);
  const step = read('response.completed', { response: final }, true);
  assert.deepEqual(responses.usage?.tokens, { prompt: 7, completion: 3, cachedPrompt: 0, reasoning: 0 });
  assert.ok(step.kind === 'last' && step.rewritten && !step.failed);
  const [head, data] = step.rewritten.toString().split('\n');
  assert.equal(head, 'event: response.completed');
  assert.equal(JSON.parse(data?.slice(6) ?? '').response.usage['x-tollgate-cost-usd'], 0.25);
  assert.deepEqual(
    JSON.parse(Buffer.from(responses.canonical() ?? []).toString()),
    final,
    'the cache gets the original',
  );
});

test('the caller reads its own names in every event that has some', () => {
  const { read, responses } = reader(true);
  const response = { ...final, status: 'in_progress', previous_response_id: 'resp_0' };
  const dataOf = (step: ReturnType<typeof read>) => {
    assert.ok((step.kind === 'pass' || step.kind === 'last') && step.rewritten);
    const [head, data, ...rest] = step.rewritten.toString().split('\n');
    assert.deepEqual(rest, ['', '']);
    return [head, JSON.parse(data?.slice(6) ?? '')];
  };
  for (const type of ['response.created', 'response.in_progress', 'response.new_thing']) {
    const [head, data] = dataOf(read(type, { response }));
    assert.equal(head, `event: ${type}`);
    assert.deepEqual([data.response.id, data.response.previous_response_id], ['sealed_resp_1', 'resp_callers']);
  }
  const item = { type: 'reasoning', encrypted_content: 'gAAA' };
  const [, done] = dataOf(read('response.output_item.done', { item }));
  assert.equal(done.item.encrypted_content, 'mark.gAAA');
  assert.deepEqual(read('response.output_item.done', { item: { type: 'message' } }), { kind: 'pass', content: false });
  const [, last] = dataOf(read('response.completed', { response: { ...final, output: [item] } }, true));
  assert.deepEqual([last.response.id, last.response.output[0].encrypted_content], ['sealed_resp_1', 'mark.gAAA']);
  assert.equal(
    JSON.parse(Buffer.from(responses.canonical() ?? []).toString()).id,
    'resp_1',
    "the cache keeps the provider's",
  );
});

test('an item that is kept has one name in all events, deltas too; one that is not keeps its own', () => {
  const item = { id: 'msg_1', type: 'message' };
  const place = { item_id: 'msg_1', output_index: 0 };
  const textOf = (step: Step): string => {
    if (step.kind === 'pass' && step.inserted) {
      assert.equal(step.inserted.literal.toString(), '"msg_1"');
      return `"item_id":"msg_1${step.inserted.bytes}"`;
    }
    return ('rewritten' in step && step.rewritten?.toString()) || '';
  };
  for (const store of [true, undefined, false]) {
    const { read, responses } = reader(true);
    read('response.created', { response: { ...final, status: 'in_progress', store } });
    const steps = [
      read('response.output_item.added', { output_index: 0, item }),
      read('response.content_part.added', place),
      read('response.output_text.delta', { ...place, delta: 'as "msg_1" ' }),
      read('response.output_text.delta', { ...place, delta: 'says' }),
      read('response.output_text.done', { ...place, text: 'as "msg_1" says' }),
      read('response.output_item.done', { output_index: 0, item }),
      read('response.completed', { response: { ...final, store, output: [item] } }, true),
    ];
    const named = steps.map((step) => /"(?:id|item_id)":"(msg_[^"]+)"/.exec(textOf(step))?.[1]);
    const [last, ...others] = named.toReversed();
    assert.equal(last, store === false ? 'msg_1' : 'msg_1~tag');
    assert.deepEqual(new Set(others), new Set([store === false ? undefined : 'msg_1~tag']), 'and is not copied for it');
    assert.equal(responses.textBytes, 15);
    assert.equal(steps[2], steps[3], 'nothing is made for each delta');
    const kept = JSON.parse(Buffer.from(responses.canonical() ?? []).toString());
    assert.equal(kept.output[0].id, 'msg_1', "the cache keeps the provider's");
  }
});

test('a last event that is too large to be priced is renamed all the same', () => {
  const { read } = reader();
  const step = read('response.completed', { response: { ...final, padding: 'x'.repeat(300 * 1024) } }, true);
  assert.ok(step.kind === 'last' && step.rewritten);
  assert.match(step.rewritten.toString('utf8', 0, 200), /"id":"sealed_resp_1"/);
});

test('an incomplete answer is an end, but nothing for a cache', () => {
  const { read, responses } = reader(true);
  assert.equal(read('response.incomplete', { response: { ...final, status: 'incomplete' } }, true).kind, 'last');
  assert.equal(responses.canonical(), undefined);
});

test("Azure's rate limit inside of a 200: the reason comes after response.failed", () => {
  const { read } = reader();
  assert.deepEqual(read('response.failed', { response: { status: 'failed', error: null } }), { kind: 'drop' });
  const step = read('error', { error: { type: 'too_many_requests', code: 'rate_limit_exceeded' } });
  assert.ok(step.kind === 'error');
  assert.equal(step.status, 429);
});

test('response.failed alone fails with its own error when the stream ends', () => {
  const { read, responses } = reader();
  read('response.failed', { response: { error: { code: 'server_error', message: 'sorry' } } });
  const step = responses.ended();
  assert.ok(step?.kind === 'error');
  assert.equal(step.status, 500);
});

test('after content response.failed is the last event', () => {
  const { read, responses } = reader();
  assert.deepEqual(read('response.failed', { response: { error: null, usage } }, true), { kind: 'last', failed: true });
  assert.equal(responses.usage?.tokens.completion, 3);
});

test("OpenAI's flat error event is read too", () => {
  const step = reader().read('error', { code: 'rate_limit_exceeded', message: 'slow', param: null });
  assert.ok(step.kind === 'error' && step.refusal);
  assert.equal(step.status, 429);
  const { error } = JSON.parse(Buffer.from(step.refusal.body).toString());
  assert.deepEqual(error, { code: 'rate_limit_exceeded', message: 'slow', param: null });
});

test('pings and a foreign [DONE] stay here, comments do not', () => {
  const { responses, read } = reader();
  assert.deepEqual(read('ping'), { kind: 'drop' });
  assert.deepEqual(responses.read({ name: '', data: '[DONE]' }, true), { kind: 'drop' });
  assert.deepEqual(responses.read({ name: '', data: undefined }, true), { kind: 'pass', content: false });
  assert.equal(responses.read({ name: '', data: '{"ty' }, true).kind, 'garbage');
});
