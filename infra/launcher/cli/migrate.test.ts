import assert from 'node:assert/strict';
import { test } from 'node:test';
import { migrateText } from './migrate.ts';

const migrations = [
  { version: 2, name: 'two', compatibleFrom: 1, checksum: '', statements: ['CREATE TABLE IF NOT EXISTS two'] },
];

test('migrate says what it did, what it would do, and that there was nothing to do', () => {
  const result = { from: 1, to: 2, migrations };
  assert.equal(migrateText(result, false), 'The ledger went from schema 1 to 2:\n  2 two');
  assert.equal(
    migrateText(result, true),
    '-- 2 two\nCREATE TABLE IF NOT EXISTS two;\n\nThe ledger would go from schema 1 to 2. Nothing was changed.',
  );
  assert.equal(migrateText({ from: 2, to: 2, migrations: [] }, true), 'The ledger has schema 2 already.');
});
