import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exampleText, exampleWith, snapshotOf } from '../fixtures/example.ts';
import { limitsNeedBound, limitsNeedUser } from './limit-needs.ts';

test("callers' users are needed where any limit of any scope counts them", () => {
  assert.equal(limitsNeedUser(snapshotOf(exampleText)), false);
  const places = [
    ['organization: sampleorganization', ''],
    ['  - name: sample-project', '    '],
    ['      - name: sales', '        '],
  ] as const;
  for (const [place, indent] of places) {
    const text = (per: string) =>
      exampleWith(`${place}\n`, `${place}\n${indent}limits: [{ tokens: 5, window: 1d, per: ${per} }]\n`);
    assert.equal(limitsNeedUser(snapshotOf(text('user'))), true, place);
    assert.equal(limitsNeedUser(snapshotOf(text('key'))), false, place);
  }
});

test('the bound of an input is needed where any limit is strict', () => {
  assert.equal(limitsNeedBound(snapshotOf(exampleText)), false);
  const limit = (mode: string) => exampleWith('mode: hard }', `mode: ${mode} }`);
  assert.equal(limitsNeedBound(snapshotOf(limit('soft'))), false);
  assert.equal(limitsNeedBound(snapshotOf(limit('strict'))), true);
});
