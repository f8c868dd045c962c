import assert from 'node:assert/strict';
import { test } from 'node:test';
import { completeBytesMax } from '@tollgate/bus';
import { MessageAssembler } from './message-assembler.ts';

const start = {
  type: 'message_start',
  message: { id: 'msg_1', type: 'message', content: [], usage: { input_tokens: 5 } },
};
const block = (content_block: object) => ({ type: 'content_block_start', index: 0, content_block });
const delta = (fields: object) => ({ type: 'content_block_delta', index: 0, delta: fields });
const text = (said: string) => delta({ type: 'text_delta', text: said });
const end = (stop_reason: string) => ({ type: 'message_delta', delta: { stop_reason }, usage: { output_tokens: 7 } });

function assembled(...events: Record<string, unknown>[]) {
  const assembler = new MessageAssembler();
  for (const event of events) assembler.add(event);
  return assembler.finish();
}

test('the events of a stream become the message that JSON would have given', () => {
  const citation = { type: 'char_location', cited_text: 'x' };
  const whole = assembled(
    ...[start, block({ type: 'text', text: '' }), { type: 'ping' }, text('Pa'), text('ris.')],
    ...[{ type: 'content_block_stop' }, block({ type: 'text', text: '', citations: [] })],
    ...[delta({ type: 'citations_delta', citation }), text('Cited.'), end('end_turn'), { type: 'message_stop' }],
  );
  assert.deepEqual(whole, {
    ...{ id: 'msg_1', type: 'message', stop_reason: 'end_turn', stop_sequence: null },
    content: [
      { type: 'text', text: 'Paris.' },
      { type: 'text', text: 'Cited.', citations: [citation] },
    ],
    usage: { input_tokens: 5, output_tokens: 7 },
  });
});

test('what is not whole, not text alone or too large is not kept', () => {
  const plain = block({ type: 'text', text: '' });
  assert.equal(assembled(start, plain, text('x')), undefined);
  assert.equal(assembled(start, plain, text('x'), end('max_tokens')), undefined);
  assert.equal(assembled(start, block({ type: 'thinking' }), plain, text('x'), end('end_turn')), undefined);
  assert.equal(assembled(start, plain, text('x'), block({ type: 'tool_use' }), end('end_turn')), undefined);
  assert.equal(assembled(start, plain, text('x'.repeat(completeBytesMax + 1)), end('end_turn')), undefined);
});
