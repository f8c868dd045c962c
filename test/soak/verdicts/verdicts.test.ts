import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Receipt, UsageEvent } from '@tollgate/contracts';
import { archived } from '../books/archive.ts';
import type { IssuedCall } from '../books/issued.ts';
import type { LedgerRow } from '../books/ledger.ts';
import { requestPlan } from '../plan/request-plan.ts';
import type { Outcome } from '../run/caller.ts';
import { type Facts, judge } from './index.ts';

// One request that was right in all books; then each test spoils one of them.

const usage = { promptTokens: 40, completionTokens: 20, totalTokens: 60 } as NonNullable<IssuedCall['usage']>;
const costNanoUsd = 40 * 2500 + Math.round(20 * 10_000.5);
const nothing = new Uint8Array(0);
const plan = { ...requestPlan(1, 1, 1), kind: 'json', team: 'engineering', stream: false } as const;
const window = {
  scope: 'team',
  scopeId: 'faults.engineering',
  quantity: 'tokens',
  window: '1h',
  windowStartMs: 0,
  windowEndMs: 3_600_000,
};
const counter = 'team:faults.engineering:tokens:1h:0';

const outcome: Outcome = {
  ...{ plan, bodyBytes: 300, sentAtMs: 1000, endedAtMs: 2000, status: 200, requestId: 'r1', end: 'whole' },
  ...{ text: plan.text, isWhole: true, code: '', usage: { prompt: 40, completion: 20 } },
};
const row: LedgerRow = {
  ...{ request_id: 'r1', version: 3, team_id: 'faults.engineering', status: 'completed', http_status: 200, code: '' },
  ...{ client_request_id: plan.clientRequestId, caller: plan.clientRequestId, proxy: 'plain', model: 'gpt-4o' },
  ...{ model_requested: '', prompt_tokens: 40, completion_tokens: 20, estimated: false, cost_nano_usd: costNanoUsd },
  reservations: JSON.stringify([{ ...window, models: [], selector: '', value: '', amount: 150 }]),
  ...{ startedAtMs: 1000, finishedAtMs: 2000, attemptModels: ['gpt-4o'], attemptStatuses: [200], attemptCodes: [''] },
  ...{ attemptPrompts: [40], attemptCompletions: [20], attemptCosts: [costNanoUsd] },
};
const streamedOf = (version: number, seq: number, requestId = 'r1') => ({
  event: { ...UsageEvent.decode(nothing), version, receipt: { ...Receipt.decode(nothing), requestId } },
  seq,
  repeated: false,
});
const refused: Outcome = {
  ...{ ...outcome, plan: { ...plan, team: 'narrow', clientRequestId: 'soak-2', ticket: 'ticketrefuse' } },
  ...{ requestId: 'r2', status: 429, end: 'error', code: 'budget_exceeded', isWhole: false, text: '' },
};
const narrowRow: LedgerRow = {
  ...{ ...row, request_id: 'r3', caller: 'soak-3', client_request_id: 'soak-3', team_id: 'faults.narrow' },
  ...{
    reservations: JSON.stringify([
      { ...window, scopeId: 'faults.narrow', models: [], selector: '', value: '', amount: 150 },
    ]),
  },
  prompt_tokens: 900,
  completion_tokens: 90,
};
const refusedRow: LedgerRow = {
  ...{ ...narrowRow, request_id: 'r2', caller: 'soak-2', client_request_id: 'soak-2', status: 'refused' },
  ...{ reservations: '', prompt_tokens: 0, completion_tokens: 0, cost_nano_usd: 0 },
};
const sums = { 'hour a': { requests: 1, prompt: 40, completion: 20, costNanoUsd } };
const right: Facts = {
  outcomes: [outcome, refused],
  disturbances: [{ what: 'kill -9 ingress', killed: ['ingress'], fromMs: 5000, untilMs: 6000 }],
  issued: new Map([[plan.ticket, [{ model: 'gpt-4o', completed: true, status: 200, fault: '', usage }]]]),
  ledger: {
    rows: [row, refusedRow, narrowRow],
    stored: 3,
    hourly: { rollup: sums, rows: sums },
    daily: { rollup: sums, rows: sums },
  },
  streamed: [streamedOf(3, 1), streamedOf(3, 2, 'r2'), streamedOf(3, 3, 'r3')],
  budgets: {
    readAtMs: 10_000,
    counters: { [counter]: { spent: 60, reserved: 0 }, 'team:faults.narrow:tokens:1h:0': { spent: 990, reserved: 0 } },
    leases: 0,
    receipts: 0,
  },
  ...{ narrowTokens: 1000, strictPromptTokens: 1000, rate: { perMinute: 60, burst: 5 } },
  archive: { requests: archived.requests, tokens: archived.tokens, costNanoUsd: archived.costNanoUsd },
  serviceMib: { ingress: 140, pipeline: 260 },
};

/** Names of the verdicts that do not hold. */
const broken = (facts: Partial<Facts>) =>
  judge({ ...right, ...facts })
    .filter(({ findings }) => findings.length > 0)
    .map(({ name }) => name)
    // The strict team has no requests here: strict.test.ts judges it.
    .filter((name) => name !== 'no strict limit and no rate is passed');
const withRow = (change: Partial<LedgerRow>): Partial<Facts> => ({
  ledger: { ...right.ledger, rows: [{ ...row, ...change }, refusedRow, narrowRow] },
});
const withOutcome = (change: Partial<Outcome>): Partial<Facts> => ({ outcomes: [{ ...outcome, ...change }, refused] });
const withCounter = (change: Partial<Facts['budgets']['counters'][string]>): Partial<Facts> => ({
  budgets: {
    ...right.budgets,
    counters: { ...right.budgets.counters, [counter]: { spent: 60, reserved: 0, ...change } },
  },
});

const answers = 'every caller has a whole answer or an honest error';
const rows = 'each admitted request has one row';
const issued = 'tokens and cost are what the provider issued';
const partial = 'what broke off is charged for what came';
const spent = 'Redis holds what the rows add up to';

test('right books hold', () => assert.deepEqual(broken({}), []));

test('an answer with another text, cut short without an error, or with a foreign error', () => {
  assert.deepEqual(broken(withOutcome({ text: 'Repeat something else' })), [answers]);
  assert.deepEqual(broken(withOutcome({ end: 'cut', isWhole: false })), [answers]);
  assert.deepEqual(broken(withOutcome({ end: 'silent' })), [answers]);
  assert.deepEqual(broken(withOutcome({ end: 'error', status: 500, code: 'internal_error' })), [answers]);
  assert.deepEqual(broken(withOutcome({ end: 'error', status: 502, code: 'overloaded' })), [answers]);
});

test('one in ten is turned away though nothing is disturbed; in a disturbance and right after it they may be', () => {
  const many = (change: (number: number) => Partial<Outcome>) =>
    broken({
      outcomes: [refused, ...Array.from({ length: 100 }, (_, number) => ({ ...outcome, ...change(number) }))],
    }).includes('callers whom nothing disturbed are served');
  const turnedAway = { end: 'error', status: 503, code: 'overloaded', isWhole: false, text: '' } as const;
  assert.equal(
    many(() => ({})),
    false,
  );
  assert.equal(
    many((number) => (number < 5 ? turnedAway : {})),
    false,
  );
  assert.equal(
    many((number) => (number < 10 ? turnedAway : {})),
    true,
  );
  assert.equal(
    many((number) => (number < 10 ? { ...turnedAway, sentAtMs: 8000, endedAtMs: 8100 } : {})),
    false,
  );
});

test('a service that keeps what it served', () =>
  assert.deepEqual(broken({ serviceMib: { ingress: 140, pipeline: 900 } }), ['no service keeps what it has served']));

test('a connection breaks with ingress, and with nothing else', () => {
  assert.deepEqual(broken(withOutcome({ end: 'broken', sentAtMs: 5500, endedAtMs: 5600 })), []);
  assert.deepEqual(broken(withOutcome({ end: 'broken' })), [answers]);
});

test('a lost row, a double one, and one that USAGE knows better', () => {
  const withRows = (all: LedgerRow[]) => broken({ ledger: { ...right.ledger, rows: all } });
  assert.ok(withRows([refusedRow, narrowRow]).includes(rows));
  assert.ok(withRows([row, { ...row, request_id: 'r9' }, refusedRow, narrowRow]).includes(rows));
  assert.ok(withRows([row, row, refusedRow, narrowRow]).includes(rows));
  assert.ok(broken(withRow({ version: 2, estimated: true })).includes(rows));
  assert.ok(withRows([row, narrowRow]).includes(rows), 'of a refusal');
});

test('a token or a nano-dollar too many or too few', () => {
  assert.ok(broken(withRow({ prompt_tokens: 41 })).includes(issued));
  assert.ok(broken(withRow({ completion_tokens: 19 })).includes(issued));
  assert.deepEqual(broken(withRow({ cost_nano_usd: costNanoUsd - 1 })), [issued]);
  assert.ok(broken(withRow({ status: 'abandoned', version: 1 })).includes(issued));
  assert.deepEqual(broken(withOutcome({ usage: { prompt: 39, completion: 20 } })), [issued]);
});

test('a request without an owner that is charged less than was reserved; the estimate itself may be too low', () => {
  const interrupted = { end: 'error', status: 502, code: 'gateway_interrupted' } as const;
  const rowOf = (completion: number, amount: number) =>
    withRow({
      ...{ status: 'abandoned', version: 1, estimated: true, completion_tokens: completion, prompt_tokens: 40 },
      reservations: JSON.stringify([{ ...window, models: [], selector: '', value: '', amount }]),
    });
  assert.ok(broken({ ...withOutcome(interrupted), ...rowOf(109, 150) }).includes(partial));
  assert.ok(!broken({ ...withOutcome(interrupted), ...rowOf(110, 150) }).includes(partial));
  // The provider issued 60.
  assert.ok(!broken({ ...withOutcome(interrupted), ...rowOf(10, 50) }).includes(partial));
});

test('what broke off that is charged less than the caller read', () => {
  const read = { end: 'error', status: 200, code: 'upstream_error', text: 'x'.repeat(244) } as const;
  const rowOf = (completion: number) =>
    withRow({ status: 'truncated', version: 2, estimated: true, completion_tokens: completion, prompt_tokens: 40 });
  assert.ok(broken({ ...withOutcome(read), ...rowOf(20) }).includes(partial));
  assert.ok(!broken({ ...withOutcome(read), ...rowOf(21) }).includes(partial));
});

test('an estimate of what broke off that passes for a measurement', () => {
  const cancelled = { status: 'cancelled', completion_tokens: 21, prompt_tokens: 40, attemptCosts: [costNanoUsd] };
  const left = withOutcome({ end: 'left', text: '', isWhole: false });
  assert.ok(broken({ ...left, ...withRow({ ...cancelled, version: 2, estimated: false }) }).includes(partial));
  assert.ok(!broken({ ...left, ...withRow({ ...cancelled, version: 2, estimated: true }) }).includes(partial));
  assert.ok(broken({ ...left, ...withRow({ ...cancelled, version: 3, estimated: true }) }).includes(partial));
  // As the provider told, and where no call was made.
  const told = { ...cancelled, version: 2, estimated: false, completion_tokens: 20 };
  assert.ok(!broken({ ...left, ...withRow(told) }).includes(partial));
  const nothing = { prompt_tokens: 0, completion_tokens: 0, cost_nano_usd: 0, attemptCosts: [] };
  assert.ok(!broken({ ...left, ...withRow({ ...told, ...nothing }) }).includes(partial));
});

test('something held or spent that no row explains', () => {
  assert.deepEqual(broken(withCounter({ reserved: 1 })), ['reserved is zero']);
  assert.deepEqual(broken({ budgets: { ...right.budgets, leases: 1 } }), ['reserved is zero']);
  assert.deepEqual(broken(withCounter({ spent: 120 })), [spent]);
  const later = withCounter({ spent: 120 }).budgets;
  assert.deepEqual(broken({ budgets: later && { ...later, readAtMs: 3_600_000 } }), [], 'of a window that is over');
});

test('a limit that was passed, and a refusal of somebody with room', () => {
  assert.deepEqual(broken({ narrowTokens: 100 }), ['no hard limit is passed']);
  const wrongly = 'no team under its limit was refused';
  assert.deepEqual(broken({ narrowTokens: 100_000 }), [wrongly]);
  assert.ok(broken(withOutcome({ end: 'error', status: 429, code: 'concurrency_exceeded' })).includes(wrongly));
  assert.deepEqual(broken({ outcomes: [outcome] }), [wrongly], 'a limit that nobody reached shows nothing');
});

test('what a settled request had reserved is room for others, what a running one has is not', () => {
  const wrongly = 'no team under its limit was refused';
  const reservedMore = (settledMs: number) => {
    const narrow = {
      ...{ ...narrowRow, prompt_tokens: 90, completion_tokens: 10, finishedAtMs: refused.sentAtMs - settledMs },
      reservations: narrowRow.reservations.replace('"amount":150', '"amount":950'),
    };
    return broken({ ledger: { ...right.ledger, rows: [row, refusedRow, narrow] } });
  };
  assert.ok(reservedMore(30_001).includes(wrongly));
  assert.ok(!reservedMore(30_000).includes(wrongly));
});

test('a request written off before its end, not after it', () => {
  const others = right.streamed.slice(1);
  const lives = 'no living request is written off';
  assert.deepEqual(broken({ streamed: [streamedOf(1, 1), streamedOf(3, 2), ...others] }), [lives]);
  assert.deepEqual(broken({ streamed: [streamedOf(3, 1), streamedOf(1, 2), ...others] }), []);
});

test('a rollup or a page that counts twice', () => {
  const name = 'rollups and pages say what the rows say';
  const twice = { 'hour a': { requests: 2, prompt: 80, completion: 40, costNanoUsd: 2 * costNanoUsd } };
  assert.deepEqual(broken({ ledger: { ...right.ledger, hourly: { rollup: twice, rows: sums } } }), [name]);
  assert.deepEqual(broken({ ledger: { ...right.ledger, daily: { rollup: {}, rows: sums } } }), [name]);
  assert.deepEqual(broken({ archive: { ...right.archive, tokens: 2 * archived.tokens } }), [name]);
});
