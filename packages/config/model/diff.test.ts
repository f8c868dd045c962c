import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exampleText, exampleWith, snapshotOf } from '../fixtures/example.ts';
import { type ConfigChange, diffConfig } from './diff.ts';

function changes(after: string, before = exampleText): ConfigChange[] {
  return diffConfig(snapshotOf(before, 1), snapshotOf(after, 2));
}

test('the same configuration as another revision is no change', () => {
  assert.deepEqual(changes(exampleText), []);
});

test('a changed value is named by where it stands', () => {
  assert.deepEqual(changes(exampleWith('tokens: 1000000', 'tokens: 5')), [
    {
      kind: 'changed',
      path: 'projects.sample-project.teams.engineering.limits.tokens-1d.amount',
      before: 1_000_000,
      after: 5,
    },
  ]);
});

test('something in front of others is an addition, not a change of all of them', () => {
  const [change, ...others] = changes(exampleWith('- name: product', '- name: early\n      - name: product'));
  assert.deepEqual(others, []);
  assert.equal(change?.kind, 'added');
  assert.equal(change?.path, 'projects.sample-project.teams.early');
});

test('what is gone is told with what it was', () => {
  const [change, ...others] = changes(exampleText.replace(/ *- name: sales\n/, ''));
  assert.deepEqual(others, []);
  assert.deepEqual(change, {
    kind: 'removed',
    path: 'projects.sample-project.teams.sales',
    before: {
      ...{ id: 'sample-project.sales', name: 'sales' },
      limits: [{ quantity: 'concurrency', amount: 1000, window: '', mode: 'hard', timeZone: 'UTC' }],
    },
  });
});

test('another order of a rotation is a change', () => {
  const swapped = exampleText.replace(/gpt-4o \}(.*)gpt-4o-mini \}/s, 'gpt-4o-mini }$1gpt-4o }');
  const [change, ...others] = changes(swapped);
  assert.deepEqual(others, []);
  assert.match(change?.path ?? '', /modelRotation\.models \(order\)$/);
});

test('a setting that was not there before is an addition', () => {
  const [change] = changes(exampleText, exampleText.replace(/ {4}apiVersion.*\n/, ''));
  assert.deepEqual(change, { kind: 'added', path: 'providers.azure-openai.apiVersion', after: '2025-04-01-preview' });
});

test('the first revision adds everything', () => {
  const all = diffConfig(undefined, snapshotOf(exampleText));
  assert.ok(all.length > 3);
  assert.ok(all.every(({ kind }) => kind === 'added'));
});
