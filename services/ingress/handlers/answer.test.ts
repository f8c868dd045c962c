import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { type Frame, RequestStatus, Surface } from '@tollgate/contracts';
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

async function answered(frames: Frame[]): Promise<{ status: number; headers: Headers; body: string }> {
  const server = createServer((_, response) => {
    const answer = new Answer('req-1', response, new Pings());
    for (const frame of frames) answer.frame(frame);
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
