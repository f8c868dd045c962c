import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Choice, questionOf, rangeFault, readChoice, writeChoice } from './choice.ts';

const day = Date.UTC(2026, 10, 23);

test('a choice comes back from the address as it went there', () => {
  for (const choice of [
    { range: { last: '1h' }, team: '', model: '', by: 'team' },
    { range: { last: '7d' }, team: 'sample-project.engineering', model: 'gpt-4o', by: 'model' },
    { range: { fromMs: day, toMs: day + 1 }, team: '', model: 'a&b=c', by: 'team' },
  ] satisfies Choice[]) {
    assert.deepEqual(readChoice(`?${writeChoice(choice)}`), choice);
  }
});

test('what an address says wrongly is left at its default', () => {
  const choice = { range: { last: '1h' }, team: '', model: '', by: 'team' };
  for (const search of [
    '',
    '?last=2y&by=colour',
    '?from=soon&to=later',
    '?from=2026-11-23T00:00:00Z',
    '?from=2026-11-23&to=2026-11-22',
  ])
    assert.deepEqual(readChoice(search), choice);
});

test('the API is asked for the range, the team and the model', () => {
  assert.equal(questionOf({ range: { last: '6h' }, team: 't', model: '', by: 'model' }), 'last=6h&team=t');
  const range = { fromMs: day, toMs: day + 1000 };
  assert.equal(
    questionOf({ range, team: '', model: 'm', by: 'team' }),
    'from=2026-11-23T00%3A00%3A00.000Z&to=2026-11-23T00%3A00%3A01.000Z&model=m',
  );
});

test('a range ends after it begins and has at most 400 days', () => {
  assert.equal(rangeFault(day, day + 1), undefined);
  assert.match(rangeFault(day, day) ?? '', /after/);
  assert.match(rangeFault(Number.NaN, day) ?? '', /both/);
  assert.match(rangeFault(day, day + 401 * 86_400_000) ?? '', /400/);
});
