import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ResponseNames } from './response-names.ts';

const known = { providerId: 'resp_before', callersId: 'resp_callers' };
const names = (given: typeof known | undefined = undefined) =>
  new ResponseNames({
    seal: (id, borrowed) => `resp_${borrowed ? 'borrowed' : 'sealed'}_${id.length}`,
    contentMark: () => 'mark.',
    itemTag: () => '~tag',
    known: given,
  });
const renamed = (made: ResponseNames, value: unknown) =>
  JSON.parse(made.rename(Buffer.from(JSON.stringify(value))).toString());

test('whole strings that are an id get the caller’s, wherever they stand; texts about it stay', () => {
  const made = names(known);
  made.learn('resp_now');
  const answer = {
    id: 'resp_now',
    previous_response_id: 'resp_before',
    output: [{ id: 'msg_1', text: 'see "resp_now" and resp_now', of: 'resp_now_2' }],
  };
  assert.deepEqual(renamed(made, answer), { ...answer, id: 'resp_sealed_8', previous_response_id: 'resp_callers' });
  const event = `event: x\ndata: ${JSON.stringify({ response: { id: 'resp_now' } })}\n\n`;
  assert.equal(made.rename(Buffer.from(event)).toString(), event.replace('resp_now', 'resp_sealed_8'));
});

test('a response is sealed once; what is no id, or known already, not at all', () => {
  let sealed = 0;
  const made = new ResponseNames({ seal: () => `resp_${++sealed}`, contentMark: () => '', itemTag: () => '', known });
  for (const id of ['resp_a', 'resp_a', 'resp_before', undefined, null, 7, '', 'a"b', 'a\\b', 'x'.repeat(257)]) {
    made.learn(id);
  }
  assert.equal(sealed, 1);
  const borrowing = names();
  borrowing.learn('resp_of_another', true);
  assert.deepEqual(renamed(borrowing, { x: 'resp_of_another' }), { x: 'resp_borrowed_15' });
});

test('encrypted contents get their mark, empty ones and words about them do not', () => {
  const output = [
    { type: 'reasoning', encrypted_content: 'gAAA', summary: [] },
    { encrypted_content: null },
    { encrypted_content: '' },
    { text: '"encrypted_content":"x"', include: ['encrypted_content'] },
  ];
  const expected = structuredClone(output);
  (expected[0] as { encrypted_content: string }).encrypted_content = 'mark.gAAA';
  assert.deepEqual(renamed(names(), { output }), { output: expected });
  const spaced = names().rename(Buffer.from('{ "encrypted_content" : "g" }'));
  assert.equal(spaced.toString(), '{ "encrypted_content" : "mark.g" }');
});

test('an item has its tag wherever its id is a whole string', () => {
  const made = names();
  assert.equal(made.learnItem('msg_1'), 'msg_1~tag');
  assert.equal(made.learnItem('msg_1'), 'msg_1~tag');
  for (const id of [undefined, 7, '', 'a"b', 'x'.repeat(257)]) assert.equal(made.learnItem(id), undefined);
  const event = { item_id: 'msg_1', delta: '"msg_1" msg_1', of: 'msg_12' };
  assert.deepEqual(renamed(made, event), { ...event, item_id: 'msg_1~tag' });
});

test('nothing to rename: no copy', () => {
  const text = Buffer.from('{"id":"chatcmpl-1"}');
  assert.equal(names(known).rename(text), text);
});

test('in an error the id stands in the middle of a text', () => {
  const text = '{"error":{"message":"Response with id \'resp_before\' not found."}}';
  const renamedError = Buffer.from(names(known).renameIn(Buffer.from(text))).toString();
  assert.equal(renamedError, text.replace('resp_before', 'resp_callers'));
  const bytes = Buffer.from([0xff, 0x00]);
  assert.equal(names().renameIn(bytes), bytes, 'and stays as it is where no name is known');
});
