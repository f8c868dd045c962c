import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  admissionEvents,
  errorEvent,
  lastEvent,
  queuedBytesMax,
  queuedResponse,
  refusalOf,
  responseWith,
} from './response-object.ts';

const facts = { id: 'resp_1', createdAtMs: 1_700_000_000_900, model: 'gpt-4o', previousResponseId: undefined };

test('a queued response says back what was asked for', () => {
  const tools = [{ type: 'function', name: 'f' }];
  const response = queuedResponse(
    { input: 'never said back', instructions: 'Be short', tools, metadata: { a: 'b' } },
    facts,
  );
  const { id, object, status, created_at, background, output, instructions, metadata, usage } = response;
  assert.deepEqual(
    { id, object, status, created_at, background, output, instructions, metadata, usage },
    {
      ...{ id: 'resp_1', object: 'response', status: 'queued', created_at: 1_700_000_000, background: true },
      ...{ output: [], instructions: 'Be short', metadata: { a: 'b' }, usage: null },
    },
  );
  assert.deepEqual(response.tools, tools);
  assert.doesNotMatch(JSON.stringify(response), /never said back/);
});

test('it is bounded: what is large stands in the answer alone', () => {
  const response = queuedResponse({ instructions: 'x'.repeat(queuedBytesMax), temperature: 0.5 }, facts);
  assert.ok(JSON.stringify(response).length < queuedBytesMax);
  assert.deepEqual([response.instructions, response.temperature, response.id], [null, 0.5, 'resp_1']);
});

test('the first two events are numbers 0 and 1, the last is named after what came of it', () => {
  const queued = queuedResponse({}, facts);
  const numbers = [
    ...admissionEvents(queued)
      .toString()
      .matchAll(/^data: \{"type":"([^"]+)","sequence_number":(\d)/gm),
  ];
  assert.deepEqual(
    numbers.map(([, type, number]) => [type, number]),
    [
      ['response.created', '0'],
      ['response.queued', '1'],
    ],
  );
  const failed = responseWith(queued, 'failed', { code: 'upstream_error', message: 'No.' });
  const text = lastEvent('failed', failed, 9).toString();
  assert.match(text, /^event: response\.failed\ndata: \{"type":"response\.failed","sequence_number":9,/);
  assert.match(text, /"error":\{"code":"upstream_error","message":"No\."\}/);
  assert.equal(queued.status, 'queued');
});

test('an error event has the shape that official clients raise', () => {
  const text = errorEvent('gateway_interrupted', 'Lost.', 3).toString();
  const event = JSON.parse(/^data: (.*)$/m.exec(text)?.[1] ?? '');
  assert.deepEqual(
    [event.type, event.sequence_number, event.code, event.message],
    ['error', 3, 'gateway_interrupted', 'Lost.'],
  );
  assert.deepEqual([event.error.code, event.error.message], ['gateway_interrupted', 'Lost.']);
});

test("a provider's refusal stands in the response that it refused", () => {
  const refusal = (body: object) => refusalOf(Buffer.from(JSON.stringify(body)));
  assert.deepEqual(refusal({ error: { code: 'content_filter', message: 'm' } }), {
    code: 'content_filter',
    message: 'm',
  });
  assert.deepEqual(
    refusal({ error: { code: null, type: 'invalid_request_error', message: 'm' } })?.code,
    'invalid_request_error',
  );
  assert.equal(refusal({ error: {} })?.code, 'invalid_request');
  assert.equal(refusal({}), undefined);
  assert.equal(refusalOf(Buffer.from('<html>')), undefined);
});
