import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { type Frame, RequestStatus, Surface } from '@tollgate/contracts';
import { TollgateError, toErrorDetail } from '@tollgate/errors';
import { Pings } from '../adapters/pings.ts';
import { Answer } from './answer.ts';

const noContent = new Uint8Array(0);

/** As a pipeline in this process sends it: it keeps the frame, to send it again. */
function kept(part: Partial<Frame>): Frame {
  const frame = { sequence: 0, head: undefined, response: undefined, offset: 0, content: noContent, end: undefined };
  for (const { headers } of [part.head, part.response].flatMap((value) => value ?? [])) Object.freeze(headers);
  for (const value of [part.head, part.response, part.end]) Object.freeze(value);
  return Object.freeze({ ...frame, ...part });
}

type Happening = Frame | 'ping' | 'lost';

async function answered(happenings: Happening[]): Promise<{ status: number; headers: Headers; body: string }> {
  const server = createServer((_, response) => {
    const answer = new Answer('req-1', response, new Pings());
    for (const happening of happenings) {
      if (happening === 'ping') answer.ping();
      else if (happening === 'lost') answer.fail(interrupted);
      else answer.frame(happening);
    }
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  try {
    const { port } = server.address() as AddressInfo;
    const { status, headers, ...response } = await fetch(`http://127.0.0.1:${port}`).then(async (found) => ({
      ...{ status: found.status, headers: found.headers, body: await found.text() },
    }));
    return { status, headers, ...response };
  } finally {
    server.close();
  }
}

const interrupted = toErrorDetail(new TollgateError('gateway_interrupted'));
const content = (text: string, sequence = 1) => kept({ sequence, content: Buffer.from(text) });

const head = (stream: boolean) => ({
  headers: { 'x-cache-status': 'MISS', 'x-both': 'head' },
  restore: {},
  owner: '',
  stream,
  surface: Surface.CHAT_COMPLETIONS,
});
const response = (httpStatus = 200) => ({ httpStatus, headers: { 'x-both': 'response', 'content-type': 'text/x' } });
const end = { status: RequestStatus.COMPLETED, error: undefined, contentBytes: 2 };

test('head and response give the headers, the response’s last, and neither is changed', async () => {
  const whole = [kept({ head: head(false), response: response(201), content: Buffer.from('{}'), end })];
  const parts = [
    kept({ head: head(false) }),
    kept({ sequence: 1, response: response(201) }),
    kept({ sequence: 2, content: Buffer.from('{}') }),
    kept({ sequence: 3, offset: 2, end }),
  ];
  for (const frames of [whole, parts]) {
    const { status, headers, body } = await answered(frames);
    assert.deepEqual([status, body], [201, '{}']);
    assert.equal(headers.get('x-cache-status'), 'MISS');
    assert.equal(headers.get('x-both'), 'response');
    assert.equal(headers.get('content-type'), 'text/x');
    assert.equal(headers.get('x-request-id'), 'req-1');
  }
});

test('an error keeps the headers of head and response, and its own win', async () => {
  const error = { code: 'overloaded', message: '', param: '', internal: '', retryAfterMs: 1000, headers: {} };
  const failed = { status: RequestStatus.FAILED, error: Object.freeze(error), contentBytes: 0 };
  const { status, headers, body } = await answered([kept({ head: head(false), response: response(503), end: failed })]);
  assert.equal(status, 503);
  assert.match(body, /overloaded/);
  assert.equal(headers.get('x-both'), 'response');
  assert.equal(headers.get('x-cache-status'), 'MISS');
  assert.equal(headers.get('content-type'), 'application/json');
  assert.equal(headers.get('retry-after-ms'), '1000');
});

test('a stream that begins before its response is told as one', async () => {
  const content = Buffer.from('data: {}\n\n');
  const { headers, body } = await answered([
    kept({ head: head(true) }),
    kept({ sequence: 1, content }),
    kept({ sequence: 2, end }),
  ]);
  assert.equal(body, 'data: {}\n\n');
  assert.match(headers.get('content-type') ?? '', /^text\/event-stream/);
  assert.equal(headers.get('x-both'), 'head');
});

test('a ping begins a stream that is silent; between events it is a comment, inside of one it would tear it', async () => {
  const { status, headers, body } = await answered([
    kept({ head: head(true) }),
    'ping',
    content('data: {"a":1}\n\ndata: {"b"'),
    'ping',
    content(':2}\n\n', 2),
    'ping',
    kept({ sequence: 3, end }),
  ]);
  assert.equal(status, 200);
  assert.match(headers.get('content-type') ?? '', /^text\/event-stream/);
  assert.equal(body, ': ping\n\ndata: {"a":1}\n\ndata: {"b":2}\n\n: ping\n\n');
});

test('a caller that does not read what is there gets no pings on top of it', async () => {
  const chunk = `data: ${'x'.repeat(16_000)}\n\n`;
  const chunks = Array.from({ length: 1000 }, (_, at) => content(chunk, at + 1));
  const { body } = await answered([kept({ head: head(true) }), ...chunks, 'ping', kept({ sequence: 1001, end })]);
  assert.equal(body, chunk.repeat(1000));
});

test('a refusal of the provider after a ping is an event', async () => {
  const refusal = { error: { code: 'content_filter', message: 'No.' } };
  const failed = { status: RequestStatus.FAILED, error: undefined, contentBytes: 0 };
  const last = kept({ response: response(400), content: Buffer.from(JSON.stringify(refusal)), end: failed });
  const { status, body } = await answered([kept({ head: head(true) }), 'ping', { ...last, sequence: 1 }]);
  assert.equal(status, 200);
  assert.equal(body, `: ping\n\ndata: ${JSON.stringify(refusal)}\n\n`);
});

test('an owner that is lost between two events is told as an event, inside of one by a broken connection', async () => {
  const { body } = await answered([kept({ head: head(true) }), content('data: {}\n\n'), 'lost']);
  assert.match(body, /^data: \{\}\n\ndata: \{"error":\{.*"code":"gateway_interrupted".*\}\}\n\n$/);
  await assert.rejects(answered([kept({ head: head(true) }), content('data: {}\n\ndata: {"a'), 'lost']));
});

test("on messages a sign of life is Anthropic's ping, and what breaks is told in its shape", async () => {
  const messages = kept({ head: { ...head(true), surface: Surface.MESSAGES } });
  const broken = await answered([messages, 'ping', 'lost']);
  assert.equal(broken.headers.get('request-id'), 'req-1');
  const [ping, error, ...more] = broken.body.split('\n\n');
  assert.equal(ping, 'event: ping\ndata: {"type": "ping"}');
  assert.match(error ?? '', /^event: error\ndata: \{"type":"error",.*"request_id":"req-1"\}$/);
  assert.deepEqual(more, ['']);
  const lost = await answered([messages, 'lost']);
  assert.equal(lost.status, 502);
  assert.equal(JSON.parse(lost.body).error.type, 'api_error');
});
