import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TollgateError } from '@tollgate/errors';
import { eventsAsked } from './stored-events.ts';

test('events are asked for of a response that is read, from the beginning or behind one', () => {
  assert.deepEqual(eventsAsked('retrieve', '/v1/responses/r?stream=true'), { stream: true });
  const resumed = { stream: true, startingAfter: 42 };
  assert.deepEqual(eventsAsked('retrieve', '/v1/responses/r?starting_after=42&stream=true'), resumed);
  assert.deepEqual(eventsAsked('retrieve', '/v1/responses/r?stream=true&starting_after=0').startingAfter, 0);
  for (const url of ['/v1/responses/r', '/v1/responses/r?stream=false', '/v1/responses/r?starting_after=1']) {
    assert.deepEqual(eventsAsked('retrieve', url), {}, url);
  }
  assert.deepEqual(eventsAsked('input_items', '/v1/responses/r/input_items?stream=true'), {});
});

test('what is no number of an event is refused by name', () => {
  for (const after of ['-1', 'x', '', '1.5', '4294967296', '99999999999']) {
    assert.throws(
      () => eventsAsked('retrieve', `/v1/responses/r?stream=true&starting_after=${after}`),
      (error) => error instanceof TollgateError && error.code === 'invalid_request' && error.param === 'starting_after',
      after,
    );
  }
});
