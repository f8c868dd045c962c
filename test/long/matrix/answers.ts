import assert from 'node:assert/strict';
import { type Answer, expected } from './caller.ts';
import type { Refused, Shape } from './faults.ts';

interface Event {
  type?: string;
  sequence_number?: number;
  delta?: string;
  error?: Record<string, unknown>;
  code?: string;
  message?: string;
  param?: string | null;
  choices?: { delta?: { content?: string }; message?: { content?: string }; finish_reason?: string | null }[];
  output?: { content?: { text?: string }[] }[];
  usage?: unknown;
}

/** What stands in a stream, block by block, without the comments. @throws when a block is no event of the protocol */
export function eventsOf(body: string, { surface }: Shape): (Event | '[DONE]')[] {
  assert.match(body, /\n\n$/, 'whole events only');
  return body
    .split('\n\n')
    .slice(0, -1)
    .filter((block) => !block.startsWith(':'))
    .map((block) => {
      const [first = '', second, ...more] = block.split('\n');
      assert.deepEqual(more, [], block);
      const data = surface === 'chat' ? first : (second ?? '');
      assert.match(data, /^data: /, block);
      if (data === 'data: [DONE]') return '[DONE]';
      const event = JSON.parse(data.slice('data: '.length)) as Event;
      if (surface === 'responses') assert.equal(first, `event: ${event.type}`);
      else assert.equal(second, undefined, block);
      return event;
    });
}

/** The generated text in a stream's events. */
export function textOf(events: readonly (Event | '[DONE]')[]): string {
  return events
    .map((event) => {
      if (event === '[DONE]') return '';
      if (event.type === 'response.output_text.delta') return event.delta ?? '';
      return event.choices?.[0]?.delta?.content ?? '';
    })
    .join('');
}

function assertNumbered(events: readonly (Event | '[DONE]')[], from = 0): void {
  const numbers = events.map((event) => (event === '[DONE]' ? undefined : event.sequence_number));
  assert.deepEqual(
    numbers,
    numbers.map((_, at) => at + from),
    'events are numbered without a gap',
  );
}

/** The whole answer of a healthy target, in the shape that was asked for, and not a word of any other target. */
export function assertWhole({ status, headers, body }: Answer, shape: Shape): void {
  assert.equal(status, 200, body);
  if (!shape.stream) {
    assert.equal(headers.get('content-type'), 'application/json');
    const answer = JSON.parse(body) as Event;
    const text = answer.choices?.[0]?.message?.content ?? answer.output?.[0]?.content?.[0]?.text;
    assert.equal(text, expected);
    assert.ok(answer.usage);
    return;
  }
  assert.match(headers.get('content-type') ?? '', /^text\/event-stream/);
  const events = eventsOf(body, shape);
  assert.equal(textOf(events), expected);
  assert.ok(events.every((event) => event === '[DONE]' || (event.error ?? null) === null));
  const last = events.at(-1);
  if (shape.surface === 'chat') {
    assert.equal(last, '[DONE]');
    assert.equal(events.indexOf('[DONE]'), events.length - 1);
    assert.ok(events.every((event) => event === '[DONE]' || event.choices?.every((choice) => choice.delta)));
  } else {
    assert.ok(last !== '[DONE]' && last?.type === 'response.completed', 'nothing follows the last event');
    assertNumbered(events);
  }
}

/** OpenAI's error shape under the status that its code has, with nothing of the provider's words. */
export function assertRefused({ status, headers, requestId, model, body }: Answer, refused: Refused): void {
  const { error } = JSON.parse(body) as { error: Record<string, unknown> };
  assert.deepEqual([status, error.code], [refused.status, refused.code], body);
  assert.deepEqual(Object.keys(error).sort(), ['code', 'message', 'param', 'request_id', 'type']);
  assert.equal(headers.get('content-type'), 'application/json');
  assert.equal(error.request_id, requestId);
  assert.match(requestId, /^req_/);
  assert.equal(model, null, 'nobody served');
  assert.doesNotMatch(body, /html|exceeded the token|server had an error|subscription key/i);
  const waitMs = headers.get('retry-after-ms');
  if (refused.retryAfterMs === undefined) {
    assert.equal(waitMs, null);
    return;
  }
  const [least, most] = refused.retryAfterMs;
  assert.ok(Number(waitMs) >= least && Number(waitMs) <= most, `${waitMs} ms, not ${least} to ${most}`);
  assert.equal(headers.get('retry-after'), String(Math.ceil(Number(waitMs) / 1000)));
  assert.equal(headers.get('x-should-retry'), Number(waitMs) > 60_000 ? 'false' : null);
}

/** A stream that broke after its first content: what came is whole events, then the error in the surface's shape, then nothing. */
export function assertBroken({ status, body, requestId }: Answer, shape: Shape, code: string): void {
  assert.equal(status, 200, body);
  assert.doesNotMatch(body, /\[DONE\]|response\.(completed|incomplete|failed)/);
  const events = eventsOf(body, shape);
  const last = events.pop();
  assert.ok(last && last !== '[DONE]' && last.error, body);
  const text = textOf(events);
  assert.ok(text.length > 0, body);
  assert.equal(last.error.code, code);
  assert.equal(last.error.request_id, requestId);
  assert.deepEqual(Object.keys(last.error).sort(), ['code', 'message', 'param', 'request_id', 'type']);
  if (shape.surface === 'chat') {
    assert.deepEqual(Object.keys(last), ['error']);
  } else {
    assert.equal(last.type, 'error');
    assert.deepEqual([last.code, last.message, last.param], [code, last.error.message, null]);
    assertNumbered([...events, last]);
  }
}
