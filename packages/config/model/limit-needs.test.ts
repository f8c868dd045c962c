import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exampleText, exampleWith, snapshotOf } from '../fixtures/example.ts';
import { limitsNeedUser } from './limit-needs.ts';

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
