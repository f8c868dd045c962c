import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConfigSnapshot } from '@tollgate/config';
import type { BudgetCounter } from '@tollgate/contracts';
import { toBudgets } from './budgets.ts';

const project = (id: string, ...teams: string[]) => ({
  id,
  name: id,
  teams: teams.map((name) => ({ id: `${id}.${name}`, name })),
});
const snapshot = {
  organization: { id: 'acme', name: 'Acme' },
  projects: [project('one', 'red', 'blue'), project('two', 'red')],
} as unknown as ConfigSnapshot;

function counter(change: Partial<BudgetCounter> = {}): BudgetCounter {
  return {
    ...{ scope: 'team', scopeId: 'one.red', quantity: 'tokens', window: '1d', windowStartMs: 1000, windowEndMs: 2000 },
    ...{
      spent: 60,
      reserved: 30,
      models: [],
      keys: [],
      selector: '',
      leased: 30,
      limits: [{ amount: 100, mode: 'hard' }],
    },
    ...change,
  };
}

test('what is spent, what is reserved, and what remains, which is never below zero', () => {
  const limits = [
    { amount: 100, mode: 'hard' },
    { amount: 80, mode: 'soft' },
  ];
  const budgets = toBudgets([counter({ limits })], snapshot);
  const named = { scope: 'team', of: 'one.red', quantity: 'tokens', window: '1d' };
  const same = { ...named, models: [], keys: [], spent: 60, reserved: 30 };
  assert.deepEqual(budgets, [
    { ...same, mode: 'hard', limit: 100, remaining: 10, resetsAtMs: 2000 },
    { ...same, mode: 'soft', limit: 80, remaining: 0, resetsAtMs: 2000 },
  ]);
});

test('a rolling window is one line and has no end, slots have no window', () => {
  const parts = [0, 1000, 2000].map((windowStartMs) =>
    counter({ window: 'rolling-24h', windowStartMs, spent: 10, reserved: 1 }),
  );
  const slots = counter({ quantity: 'concurrency', windowStartMs: 0, windowEndMs: 0, spent: 0, reserved: 2 });
  const figures = toBudgets([...parts, slots], snapshot).map(({ window, spent, reserved, remaining, resetsAtMs }) => ({
    ...{ window, spent, reserved, remaining, resetsAtMs },
  }));
  assert.deepEqual(figures, [
    { window: 'rolling-24h', spent: 30, reserved: 3, remaining: 67, resetsAtMs: undefined },
    { window: '', spent: 0, reserved: 2, remaining: 98, resetsAtMs: undefined },
  ]);
});

test('a window that is over and the next one are two lines, and so are those of two selectors', () => {
  const next = { windowStartMs: 2000, windowEndMs: 3000, spent: 5, reserved: 1 };
  const all = [counter(), counter(next), counter({ selector: 'p-user', spent: 7, reserved: 2 })];
  assert.deepEqual(
    toBudgets(all, snapshot).map(({ spent, reserved, resetsAtMs }) => [spent, reserved, resetsAtMs]),
    [
      [60, 30, 2000],
      [5, 1, 3000],
      [7, 2, 2000],
    ],
  );
});

test('of a team: what binds it, and nothing of another one', () => {
  const all = [
    counter({ scope: 'organization', scopeId: 'acme' }),
    ...['one', 'two'].map((scopeId) => counter({ scope: 'project', scopeId })),
    ...['one.red', 'one.blue', 'two.red', 'gone.red'].map((scopeId) => counter({ scopeId })),
  ];
  const named = (teamId?: string) => toBudgets(all, snapshot, teamId).map(({ scope, of }) => `${scope} ${of}`);
  assert.deepEqual(named('one.red'), ['organization Acme', 'project one', 'team one.red']);
  assert.equal(named().length, 6);
});
