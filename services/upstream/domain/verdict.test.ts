import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TollgateError } from '@tollgate/errors';
import type { Fault } from './fault.ts';
import { readProviderError } from './provider-error.ts';
import { type Blame, judge, judgeCount, judgeStored, type Outcome } from './verdict.ts';

const status = (code: number, error: object = {}): Fault => ({
  kind: 'status',
  status: code,
  error: readProviderError(error),
  retryAfterMs: 0,
  refusal: undefined,
});

const rows: [Fault, 'pass' | 'next', Blame, Outcome][] = [
  [status(400), 'pass', 'caller', 'ok'],
  [status(413), 'pass', 'caller', 'ok'],
  [status(422), 'pass', 'caller', 'ok'],
  [status(415), 'pass', 'caller', 'ok'],
  [status(401), 'next', 'misconfigured', 'none'],
  [status(403), 'next', 'misconfigured', 'none'],
  [status(404, { code: 'DeploymentNotFound' }), 'next', 'misconfigured', 'none'],
  [status(404, { code: 'model_not_found', param: 'model' }), 'next', 'misconfigured', 'none'],
  [status(404, { param: 'previous_response_id' }), 'pass', 'caller', 'ok'],
  [status(408), 'next', 'provider', 'suspect'],
  [status(429), 'next', 'rate_limited', 'suspend'],
  [status(500), 'next', 'provider', 'suspect'],
  [status(502), 'next', 'provider', 'suspect'],
  [status(503), 'next', 'provider', 'suspend'],
  [status(504), 'next', 'provider', 'suspect'],
  [status(529), 'next', 'provider', 'suspend'],
  [{ kind: 'unreachable', reason: 'ECONNREFUSED' }, 'next', 'provider', 'suspend'],
  [{ kind: 'cut', reason: 'UND_ERR_SOCKET' }, 'next', 'provider', 'suspect'],
  [{ kind: 'timeout', stage: 'answer' }, 'next', 'timeout', 'suspect'],
  [{ kind: 'garbage', reason: 'not JSON' }, 'next', 'provider', 'suspect'],
  [{ kind: 'misconfigured', reason: 'no key' }, 'next', 'misconfigured', 'none'],
];

for (const [fault, action, blame, report] of rows) {
  const name = fault.kind === 'status' ? `${fault.status} ${fault.error.code || fault.error.param}` : fault.kind;
  test(`${name.trimEnd()}: ${action}, ${blame}, ${report}`, () => {
    assert.deepEqual(judge(fault, false), { action, blame, report });
    assert.deepEqual(judge(fault, true), { action: 'end', blame, report }, 'after content there is no second try');
  });
}

test('where tokens are counted the same follows, and no model hears of it', () => {
  for (const [fault, action, blame] of rows) assert.deepEqual(judgeCount(fault), { action, blame, report: 'none' });
});

test('a response by its id: what is not kept any more is the caller’s to know, and no model hears of anything', () => {
  const gone = { action: 'pass', blame: 'caller', report: 'none' };
  assert.deepEqual(judgeStored(status(404)), gone, "OpenAI's names no member");
  for (const [fault, action, blame] of rows) {
    if (fault.kind === 'status' && fault.status === 404) assert.deepEqual(judgeStored(fault), gone);
    else assert.deepEqual(judgeStored(fault), { action, blame, report: 'none' });
  }
});

test('a target that cannot be asked is no failure: the next one, and nothing is said of it', () => {
  const unserved: Fault = { kind: 'unserved', error: new TollgateError('invalid_request') };
  assert.deepEqual(judge(unserved, false), { action: 'next', blame: 'caller', report: 'none' });
});
