import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ClickHouseError, SchemaError } from '@tollgate/ledger';
import { isMissingTable, ledgerFault } from './ledger-fault.ts';

const engine = (type: string, message = 'what the engine says') => new ClickHouseError({ code: '1', type, message });
const own = { ownStatement: true };
const ours = { ownStatement: false };

test("what is wrong with a caller's own statement is told in the engine's words", () => {
  const fault = ledgerFault(engine('UNKNOWN_IDENTIFIER', 'Unknown identifier `tokenz`'), own);
  assert.deepEqual(
    [fault.code, fault.message, fault.param],
    ['invalid_request', 'Unknown identifier `tokenz`', 'query'],
  );
});

test('the same in a statement of ours is an error of ours, and its words stay in the log', () => {
  const fault = ledgerFault(engine('UNKNOWN_IDENTIFIER', 'Unknown identifier `secret`'), ours);
  assert.equal(fault.code, 'internal_error');
  assert.ok(!fault.message.includes('secret'));
  assert.match(fault.internal ?? '', /secret/);
});

test('an engine that is away, refuses us, has no tables or does not answer in time is unavailable', () => {
  for (const fault of [
    ledgerFault(Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' }), own),
    ledgerFault(engine('AUTHENTICATION_FAILED', 'user tollgate: password is incorrect'), own),
    ledgerFault(new SchemaError('run `tollgate migrate`'), own),
    ledgerFault(new Error('aborted'), { ...own, lateAfterMs: 10_000 }),
  ]) {
    assert.equal(fault.code, 'store_unavailable');
    assert.ok((fault.retryAfterMs ?? 0) > 0);
    assert.ok(!/ECONNREFUSED|password/.test(fault.message), fault.message);
  }
});

test('a busy engine is overloaded, a range that cannot be is invalid', () => {
  assert.equal(ledgerFault(engine('TOO_MANY_SIMULTANEOUS_QUERIES'), own).code, 'overloaded');
  assert.equal(ledgerFault(new RangeError('a time range must end after it begins'), ours).code, 'invalid_request');
});

test('a missing table or database may be a missing schema', () => {
  assert.equal(isMissingTable(engine('UNKNOWN_TABLE')), true);
  assert.equal(isMissingTable(engine('SYNTAX_ERROR')), false);
  assert.equal(isMissingTable(new Error('UNKNOWN_TABLE')), false);
});
