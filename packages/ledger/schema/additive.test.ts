import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { LedgerClient } from '../client.ts';
import { startLedger, type TestLedger } from '../testing/ledger.ts';
import { readMigrations } from './files.ts';
import { migrate } from './migrate.ts';

const root = path.resolve(import.meta.dirname, '../../..');

/** What a migration may say: each can be repeated, and none takes anything away. */
const ADDS = [
  /^CREATE TABLE IF NOT EXISTS /,
  /^CREATE OR REPLACE VIEW /,
  /^ALTER TABLE \w+\s+ADD (COLUMN|INDEX) IF NOT EXISTS /,
];
const TAKES = /\b(DROP|RENAME|TRUNCATE|DELETE|CLEAR|MODIFY (COLUMN|ORDER|TTL))\b/;

/** By table or view, its columns with their types. */
async function columns(client: LedgerClient): Promise<Map<string, string>> {
  const rows = await client.rows<{ name: string; type: string }>(
    `SELECT concat(table, '.', name) AS name, type FROM system.columns WHERE database = currentDatabase()`,
  );
  return new Map(rows.map(({ name, type }) => [name, type]));
}

describe('migrations', () => {
  let ledger: TestLedger;
  before(async () => {
    ledger = await startLedger();
  });
  after(() => ledger?.close());

  it('say only what adds and can be repeated', () => {
    for (const { name, statements } of readMigrations()) {
      for (const statement of statements) {
        assert.ok(
          ADDS.some((pattern) => pattern.test(statement)),
          `${name}: ${statement.slice(0, 60)}`,
        );
        assert.doesNotMatch(statement, TAKES, name);
      }
    }
  });

  it('leave every column of the version before as it was, and can be run again in the middle', async () => {
    const client = await ledger.database('steps', { migrated: false });
    const known = readMigrations();
    let before = new Map<string, string>();
    for (const { version, statements } of known) {
      await migrate(client, { migrations: known.slice(0, version) });
      for (const statement of statements) await client.command(statement);
      const now = await columns(client);
      for (const [name, type] of before) assert.equal(now.get(name), type, `${name} after migration ${version}`);
      before = now;
    }
  });

  it('are the only place from which a schema is changed', () => {
    // A benchmark has an engine of its own, and what it sets there nobody else meets.
    const files = globSync('{packages,services,apps,infra}/**/*.{ts,mjs}', { cwd: root }).filter(
      (file) => !/node_modules|dist\/|\.test\.ts$|\/testing\/|^packages\/ledger\/schema\/|^infra\/bench\//.test(file),
    );
    assert.ok(files.length > 200);
    const ddl =
      /\b(CREATE|ALTER|DROP|RENAME|TRUNCATE|ATTACH|DETACH) (OR REPLACE )?(TABLE|VIEW|MATERIALIZED|DICTIONARY)\b/;
    const found = files.filter((file) => ddl.test(readFileSync(path.join(root, file), 'utf8')));
    assert.deepEqual(found, []);
  });
});
