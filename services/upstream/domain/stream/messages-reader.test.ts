import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MessagesReader } from './messages-reader.ts';

function reader(): {
  reader: MessagesReader;
  read(data: object | string, name?: string): ReturnType<MessagesReader['read']>;
} {
  const found = new MessagesReader({ price: (usage) => String(usage.tokens.completion / 1000) });
  return {
    reader: found,
    read: (data, name = '') => found.read({ name, data: typeof data === 'string' ? data : JSON.stringify(data) }),
  };
}

const start = {
  type: 'message_start',
  message: {
    id: 'msg_1',
    usage: { input_tokens: 10, cache_read_input_tokens: 5, cache_creation_input_tokens: 2, output_tokens: 1 },
  },
};
const delta = (fields: object) => ({ type: 'content_block_delta', index: 0, delta: fields });
const stop = {
  type: 'message_delta',
  delta: { stop_reason: 'end_turn', stop_sequence: null },
  usage: { output_tokens: 7 },
};
const quiet = { kind: 'pass', content: false };
const content = { kind: 'pass', content: true };

test('content is the first text, thought or piece of a call; all else passes and waits for it', () => {
  const { read } = reader();
  assert.deepEqual(read(start), quiet);
  assert.deepEqual(read({ type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } }), quiet);
  assert.deepEqual(read({ type: 'ping' }, 'ping'), quiet);
  assert.deepEqual(read(delta({ type: 'text_delta', text: '' })), quiet);
  assert.deepEqual(read(delta({ type: 'signature_delta', signature: 'x' })), quiet);
  assert.deepEqual(read({ type: 'an_event_of_next_year' }), quiet);
  assert.deepEqual(read(delta({ type: 'text_delta', text: 'Hi' })), content);
  assert.deepEqual(read(delta({ type: 'thinking_delta', thinking: '', estimated_tokens: null })), quiet);
  assert.deepEqual(read(delta({ type: 'thinking_delta', thinking: '', estimated_tokens: 50 })), content);
  assert.deepEqual(read(delta({ type: 'thinking_delta', thinking: 'Hm' })), content);
  assert.deepEqual(read(delta({ type: 'input_json_delta', partial_json: '' })), content);
});

test('usage is the start and what the end says newer, cost beside it; a stream that breaks before knows its prompt', () => {
  const { reader: found, read } = reader();
  read(start);
  assert.deepEqual([found.usage], [undefined]);
  assert.deepEqual(found.begun, { prompt: 17, completion: 1, cachedPrompt: 5, reasoning: 0, cacheWritePrompt: 2 });
  read(delta({ type: 'text_delta', text: 'é' }));
  assert.equal(found.textBytes, 2);
  const end = read({ ...stop, usage: { output_tokens: 7, input_tokens: 20, cache_read_input_tokens: null } });
  assert.deepEqual(found.usage?.tokens, {
    prompt: 27,
    completion: 7,
    cachedPrompt: 5,
    reasoning: 0,
    cacheWritePrompt: 2,
  });
  assert.ok(end.kind === 'pass' && end.rewritten);
  const [event, data] = end.rewritten.toString().split('\n');
  assert.equal(event, 'event: message_delta');
  assert.deepEqual(JSON.parse(data?.slice(6) ?? ''), {
    ...stop,
    usage: { output_tokens: 7, input_tokens: 20, cache_read_input_tokens: null, 'x-tollgate-cost-usd': 0.007 },
  });
  assert.deepEqual(read({ type: 'message_stop' }), { kind: 'last', failed: false });
});

test('a stream that ends before its reason to stop has broken', () => {
  const { reader: found, read } = reader();
  read(start);
  assert.equal(read({ type: 'message_stop' }).kind, 'garbage');
  assert.equal(found.ended(), undefined);
  assert.equal(read('{"type":"content_block_del').kind, 'garbage');
  assert.equal(read({ type: 'message_start' }).kind, 'garbage');
});

test('an error is the status that it stands for, and whole', () => {
  const { read } = reader();
  const statuses = ['overloaded_error', 'api_error', 'rate_limit_error', 'timeout_error', 'invalid_request_error'].map(
    (type) => {
      const event = { type: 'error', error: { type, message: 'x' }, request_id: 'req_1' };
      const step = read(event, 'error');
      assert.ok(step.kind === 'error');
      assert.deepEqual(JSON.parse(Buffer.from(step.refusal?.body ?? '').toString()), event);
      return step.status;
    },
  );
  assert.deepEqual(statuses, [529, 500, 429, 504, 400]);
});
