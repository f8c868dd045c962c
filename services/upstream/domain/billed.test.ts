import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Provider } from '@tollgate/config';
import { wireOf } from '../providers/index.ts';
import { isBilled } from './billed.ts';
import type { Fault } from './fault.ts';

const status = (status: number, code = ''): Fault => ({
  kind: 'status',
  status,
  error: { status: 0, type: '', code, param: '' },
  retryAfterMs: 0,
  refusal: undefined,
});
const provider = (type: Provider['type']): Provider => ({
  ...{ name: 'p', type, endpoint: 'https://example.com', insecure: false },
  models: [],
});
const { billsRefusal } = wireOf(provider('azure-openai'));
const billed = (fault: Fault, call = {}, bills = billsRefusal) =>
  isBilled(fault, { sent: true, answering: false, contentSent: false, ...call }, bills);

test('a call that we gave up runs on and is billed, one that broke before it answered is not', () => {
  assert.equal(billed({ kind: 'timeout', stage: 'answer' }), true);
  assert.equal(billed({ kind: 'timeout', stage: 'connecting' }, { sent: false }), false);
  for (const kind of ['cut', 'garbage'] as const) {
    assert.equal(billed({ kind, reason: '' }), false);
    assert.equal(billed({ kind, reason: '' }, { answering: true }), true);
  }
  assert.equal(billed({ kind: 'unreachable', reason: '' }), false);
  assert.equal(billed({ kind: 'misconfigured', reason: '' }), false);
});

test('an error inside a good answer is billed, a rate limit only when it broke off what the caller was reading', () => {
  assert.equal(billed(status(500), { answering: true }), true);
  assert.equal(billed(status(429), { answering: true }), false);
  assert.equal(billed(status(429), { answering: true, contentSent: true }), true);
  assert.equal(billed(status(429)), false);
});

test('Azure bills prompts that its filter stopped and its own time-outs; OpenAI bills no refusal', () => {
  assert.equal(billed(status(400, 'content_filter')), true);
  assert.equal(billed(status(408)), true);
  for (const fault of [status(400, 'invalid_json'), status(401), status(404), status(500)])
    assert.equal(billed(fault), false);
  const openai = wireOf(provider('openai')).billsRefusal;
  for (const fault of [status(400, 'content_filter'), status(408)]) assert.equal(billed(fault, {}, openai), false);
});
