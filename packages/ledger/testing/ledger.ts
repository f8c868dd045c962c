import { randomBytes } from 'node:crypto';
import { sharedClickHouse, startEngines, type TestEngines } from '@tollgate/testing/engines';
import { connect, type LedgerClient } from '../client.ts';
import { migrate } from '../schema/migrate.ts';

export interface TestLedger {
  /** A client of a database of that name and a suffix, which is made and has the ledger's schema unless told otherwise. */
  database(name: string, options?: { migrated?: boolean }): Promise<LedgerClient>;
  close(): Promise<void>;
}

/**
 * A database for each test of a file: in the ClickHouse that `test/unit.ts` started for all files, or in one of the file's own
 * where it is run alone.
 */
export async function startLedger(): Promise<TestLedger> {
  const shared = sharedClickHouse();
  return shared ? databasesOf(shared, async () => {}) : startOwnLedger();
}

/** The same in a ClickHouse that nobody else uses, for tests that stop or kill it. */
export async function startOwnLedger(): Promise<TestLedger & { engines: TestEngines }> {
  const engines = await startEngines({ only: ['clickhouse'] });
  return { engines, ...databasesOf(engines.clickhouse.url, () => engines.close()) };
}

function databasesOf(address: string, end: () => Promise<void>): TestLedger {
  // Files that share an engine may use one name.
  const suffix = randomBytes(4).toString('hex');
  const clients: LedgerClient[] = [];
  const clientOf = (name: string) => {
    const url = new URL(address);
    url.pathname = `/${name}`;
    const client = connect({ url: url.href });
    clients.push(client);
    return client;
  };
  // One of all files that share the engine makes it: the others wait for the lock, or find it done.
  const makeTemplate = async () => {
    const template = clientOf('test_template');
    await migrate(template);
    return template;
  };
  let template: Promise<LedgerClient> | undefined;
  return {
    async database(name, { migrated = true } = {}) {
      const client = clientOf(`${name}_${suffix}`);
      if (migrated) {
        template ??= makeTemplate();
        await copySchema(await template, client);
      }
      return client;
    },
    async close() {
      await Promise.all(clients.map((client) => client.close()));
      await end();
    },
  };
}

/** What migrations made, without their steps: a migration of its own for each database would be most of a test's work. */
async function copySchema(template: LedgerClient, client: LedgerClient): Promise<void> {
  await client.createDatabase();
  const made = await template.rows<{ statement: string }>(
    `SELECT create_table_query AS statement FROM system.tables WHERE database = currentDatabase()
     ORDER BY engine = 'View', name`,
  );
  for (const { statement } of made)
    await client.command(statement.replaceAll(`${template.database}.`, `${client.database}.`));
  await client.command(`INSERT INTO schema_migrations SELECT * FROM ${template.database}.schema_migrations`);
}
