import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { LedgerClient } from '../client.ts';
import { startLedger, type TestLedger } from '../testing/ledger.ts';
import { type Migration, parseMigration, readMigrations } from './files.ts';
import { assertSchema, migrate } from './migrate.ts';

const first = parseMigration(
  '0001_one.sql',
  '-- compatible-from: 1\nCREATE TABLE IF NOT EXISTS one (a Int8) ENGINE = Memory;\n',
);
const second = parseMigration(
  '0002_two.sql',
  `-- compatible-from: 1
-- a comment; with a semicolon
CREATE TABLE IF NOT EXISTS two (a Int8) ENGINE = Memory;

CREATE OR REPLACE VIEW three AS
SELECT a, 'x;y' AS b FROM two;
`,
);
const excluding = parseMigration(
  '0003_new.sql',
  '-- compatible-from: 3\nCREATE TABLE IF NOT EXISTS new (a Int8) ENGINE = Memory;\n',
);

const tables = async (client: LedgerClient): Promise<string[]> => {
  const rows = await client.rows<{ name: string }>(
    'SELECT name FROM system.tables WHERE database = {database:String} ORDER BY name',
    { database: client.database },
  );
  return rows.map((row) => row.name);
};

describe('migrate', () => {
  let ledger: TestLedger;
  before(async () => {
    ledger = await startLedger();
  });
  after(() => ledger?.close());

  const empty = (name: string) => ledger.database(name, { migrated: false });

  it('applies everything once, and nothing the second time', async () => {
    const client = await empty('twice');
    const known = readMigrations();
    assert.deepEqual(await migrate(client), { from: 0, to: known.length, migrations: known });
    const there = await tables(client);
    assert.ok(there.includes('usage_events') && there.includes('usage') && there.includes('usage_hourly'));
    assert.ok(!there.some((name) => name.includes('lock')), 'the lock is gone');
    assert.deepEqual(await migrate(client), { from: known.length, to: known.length, migrations: [] });
    assert.deepEqual(await tables(client), there);
    await assertSchema(client);
  });

  it('only tells what it would do in a dry run, even without a database', async () => {
    const client = await empty('dry');
    const result = await migrate(client, { dryRun: true, migrations: [first, second] });
    assert.deepEqual([result.from, result.to], [0, 2]);
    assert.deepEqual(
      result.migrations.map(({ statements }) => statements.length),
      [1, 2],
    );
    const other = await empty('beside');
    await migrate(other, { migrations: [first] });
    const databases = await other.rows('SELECT name FROM system.databases WHERE name IN {names:Array(String)}', {
      names: [client.database, other.database],
    });
    assert.deepEqual(databases, [{ name: other.database }]);
  });

  it('applies only what is new', async () => {
    const client = await empty('growing');
    await migrate(client, { migrations: [first] });
    const result = await migrate(client, { migrations: [first, second] });
    assert.deepEqual([result.from, result.to], [1, 2]);
    assert.deepEqual(await tables(client), ['one', 'schema_migrations', 'three', 'two']);
  });

  it('finishes what was interrupted between statement and record', async () => {
    const client = await empty('interrupted');
    const broken: Migration = { ...second, statements: [...second.statements, 'CREATE TABLE broken (a Nonsense)'] };
    await assert.rejects(migrate(client, { migrations: [first, broken] }), { type: 'UNKNOWN_TYPE' });
    const result = await migrate(client, { migrations: [first, second] });
    assert.deepEqual([result.from, result.to], [1, 2]);
  });

  it('lets one of several at once do it, and all succeed', async () => {
    const clients = await Promise.all(Array.from({ length: 5 }, () => empty('together')));
    const results = await Promise.all(clients.map((client) => migrate(client, { migrations: [first, second] })));
    assert.deepEqual(
      results.map(({ to }) => to),
      [2, 2, 2, 2, 2],
    );
    const [row] = await (clients[0] as LedgerClient).rows('SELECT count() AS n FROM schema_migrations');
    assert.deepEqual(row, { n: 2 });
  });

  it('waits for a holder of the lock, tells who it is, and takes the lock of a dead one', async () => {
    const client = await empty('locked');
    await migrate(client, { migrations: [first] });
    const lock =
      'CREATE TABLE schema_migrations_lock (id String, host String, pid UInt32, renewed_at DateTime64(3) DEFAULT now64(3))';
    await client.command(`${lock} ENGINE = MergeTree ORDER BY renewed_at`);
    await client.insert('schema_migrations_lock', [{ id: 'x', host: 'elsewhere', pid: 42 }]);
    await assert.rejects(migrate(client, { migrations: [first, second], lockWaitMs: 0 }), /elsewhere, process 42/);
    await assertSchema(client, [first]);
    await migrate(client, { migrations: [first, second], lockLeaseMs: -1 });
    await assertSchema(client, [first, second]);
  });

  it('refuses a file that was edited after it was applied', async () => {
    const client = await empty('edited');
    await migrate(client, { migrations: [first] });
    const edited = { ...first, checksum: 'other' };
    await assert.rejects(migrate(client, { migrations: [edited, second] }), /never edited/);
    await assert.rejects(assertSchema(client, [edited]), /never edited/);
  });

  it('lets a service refuse a schema that is older than it needs, or that excludes it', async () => {
    const client = await empty('service');
    await assert.rejects(assertSchema(client, [first]), /version 0, this build needs 1: run `npx tollgate migrate`/);
    await migrate(client, { migrations: [first] });
    await assert.rejects(assertSchema(client, [first, second]), /version 1, this build needs 2/);
    await migrate(client, { migrations: [first, second] });
    await assertSchema(client, [first]);
    await migrate(client, { migrations: [first, second, excluding] });
    await assert.rejects(assertSchema(client, [first, second]), /at least 3, this one knows 2: update Tollgate/);
    await assert.rejects(migrate(client, { migrations: [first] }), /update Tollgate/);
  });
});

describe('the files', () => {
  it('are numbered without gaps and say what they are compatible with', () => {
    const known = readMigrations();
    assert.deepEqual(
      known.map(({ version }) => version),
      known.map((_, index) => index + 1),
    );
  });

  it('are refused without a number or a line of compatibility', () => {
    assert.throws(() => parseMigration('one.sql', '-- compatible-from: 1'), /0001_name\.sql/);
    assert.throws(() => parseMigration('0001_one.sql', 'SELECT 1;'), /compatible-from/);
  });
});
