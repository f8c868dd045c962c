import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countersIn } from '../books/budgets.ts';
import type { LedgerRow } from '../books/ledger.ts';
import { requestPlan } from '../plan/request-plan.ts';
import { ofTeams, strictLimits } from '../plan/strict-team.ts';
import type { Facts } from './facts.ts';
import { strictHolds } from './strict.ts';

const rowOf = (startedAtMs: number, change: Partial<LedgerRow> = {}) =>
  ({
    ...{
      team_id: 'faults.strict',
      status: 'completed',
      code: '',
      reservations: '[{}]',
      prompt_tokens: 50,
      startedAtMs,
    },
    ...change,
  }) as LedgerRow;
const refusedBy = (code: string) => rowOf(0, { status: 'refused', code, reservations: '', prompt_tokens: 0 });
const refusals = [refusedBy('budget_exceeded'), refusedBy('rate_limit_exceeded')];

/** 60 a minute with a burst of 2: at most 2, and one a second, with four seconds of doubt. */
function findings(rows: LedgerRow[], change: Partial<Facts> = {}): string[] {
  const ledger = { rows } as Facts['ledger'];
  const facts = { ledger, disturbances: [], strictPromptTokens: 500, rate: { perMinute: 60, burst: 2 } };
  return strictHolds({ ...facts, ...change }).findings;
}
const atOnce = (count: number) => Array.from({ length: count }, () => rowOf(10_000));

test('a strict limit is held to the last token, a rate to its burst and what flows back', () => {
  assert.deepEqual(findings([...refusals, ...atOnce(6)]), []);
  assert.deepEqual(findings([...refusals, ...atOnce(6)], { strictPromptTokens: 299 }), ['300 prompt tokens of 299']);
  assert.deepEqual(findings([...refusals, ...atOnce(7)]), ['7 requests within 0 ms, where 6 fit']);
  assert.deepEqual(findings([...refusals, ...atOnce(6), rowOf(11_000)]), []);
});

test('a rate begins anew with the Redis that holds it, and with nothing else', () => {
  const killed = (what: 'redis' | 'nats') => ({
    disturbances: [{ what, killed: [what], fromMs: 9000, untilMs: 12_000 }],
  });
  assert.deepEqual(findings([...refusals, ...atOnce(8)], killed('redis')), []);
  assert.equal(findings([...refusals, ...atOnce(8)], killed('nats')).length, 2);
});

test('limits that nobody reached show nothing', () => {
  assert.deepEqual(findings(atOnce(1)), [
    'the strict limit was not reached',
    'the rate of 60 a minute was not reached',
  ]);
});

test('the strict team asks more than its limits have room for, in a run of any length', () => {
  for (const load of [
    { requests: 400, rate: 15 },
    { requests: 20_000, rate: 30 },
  ]) {
    const plans = Array.from({ length: load.requests }, (_, number) => ofTeams(requestPlan(7, number, load.rate)));
    const own = plans.filter(({ team }) => team === 'strict');
    const { strictPromptTokens, rate } = strictLimits(load);
    const perMinute = (own.length / load.requests) * load.rate * 60;
    assert.ok(perMinute > 1.5 * rate.perMinute, `${perMinute} of ${rate.perMinute}`);
    // As many as the rate lets pass, at 26 tokens each, until the 500 that another one may reserve do not fit.
    const used = (own.length * rate.perMinute * 26) / perMinute;
    assert.ok(used > strictPromptTokens - 500, `${used} of ${strictPromptTokens}`);
  }
});

test('parts of a rolling window are counters by their beginning', () => {
  const name = 'team:faults.strict:prompt_tokens:rolling-24h:0';
  const fields = { 'spent:7': '5', 'reserved:7': '1', 'spent:9': '6', told: '50' };
  assert.deepEqual(countersIn(name, fields), {
    'team:faults.strict:prompt_tokens:rolling-24h:7': { spent: 5, reserved: 1 },
    'team:faults.strict:prompt_tokens:rolling-24h:9': { spent: 6, reserved: 0 },
  });
  assert.deepEqual(countersIn('team:a:tokens:1d:0', { spent: '5' }), {
    'team:a:tokens:1d:0': { spent: 5, reserved: 0 },
  });
});
