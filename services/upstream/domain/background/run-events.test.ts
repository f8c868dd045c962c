import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventText, RunEvents } from './run-events.ts';

const event = (type: string, fields: object = {}) => eventText(type, { type, sequence_number: 99, ...fields });
const data = (bytes: Buffer) => JSON.parse(/^data: (.*)$/m.exec(bytes.toString())?.[1] ?? '');

test('events are numbered on from what was kept before, whatever their provider calls them', () => {
  const events = new RunEvents(7, 1 << 20);
  const stream = Buffer.concat([
    event('response.created', { response: { status: 'in_progress' } }),
    Buffer.from(': a comment\n\n'),
    event('response.in_progress', { response: { id: 'r', background: false } }),
    event('response.output_text.delta', { delta: 'Grüße', item: { sequence_number: 1 } }),
  ]);
  // However the bytes are cut: into two, in the middle of an event.
  const kept = [...events.take(stream.subarray(0, 150)), ...events.take(stream.subarray(150))];
  assert.deepEqual(
    kept.map(({ bytes, nextSequence }) => [data(bytes), nextSequence]),
    [
      [{ type: 'response.in_progress', sequence_number: 7, response: { id: 'r', background: true } }, 8],
      [{ type: 'response.output_text.delta', sequence_number: 8, delta: 'Grüße', item: { sequence_number: 1 } }, 9],
    ],
  );
  assert.match(
    kept[1]?.bytes.toString() ?? '',
    /^event: response\.output_text\.delta\ndata: \{"type":"[^"]+","sequence_number":8,/,
  );
  assert.deepEqual([events.nextSequence, events.textBytes, events.last], [9, 7, undefined]);
});

test('the last event is no event of the run: its end says it', () => {
  for (const status of ['completed', 'incomplete', 'failed'] as const) {
    const events = new RunEvents(2, 1 << 20);
    assert.deepEqual(events.take(event(`response.${status}`, { response: { id: 'r', status } })), []);
    assert.deepEqual(events.last, { status, response: { id: 'r', status, background: true } });
    assert.equal(events.nextSequence, 2);
  }
});

test('an event beyond the bound is an error', () => {
  const events = new RunEvents(2, 64);
  assert.throws(() => events.take(Buffer.from(`data: ${'x'.repeat(100)}`)), RangeError);
});
