import { startEngines, type TestEngines } from '@tollgate/testing/engines';
import { connect, type LedgerClient } from '../client.ts';
import { migrate } from '../schema/migrate.ts';

export interface TestLedger {
  engines: TestEngines;
  /** A client of the database `name`, which is made and migrated unless told otherwise. */
  database(name: string, options?: { migrated?: boolean }): Promise<LedgerClient>;
  close(): Promise<void>;
}

/** One ClickHouse for a file of tests, a database for each of them. */
export async function startLedger(): Promise<TestLedger> {
  const engines = await startEngines({ only: ['clickhouse'] });
  const clients: LedgerClient[] = [];
  return {
    engines,
    async database(name, { migrated = true } = {}) {
      const url = new URL(engines.clickhouse.url);
      url.pathname = `/${name}`;
      const client = connect({ url: url.href });
      clients.push(client);
      if (migrated) await migrate(client);
      return client;
    },
    async close() {
      await Promise.all(clients.map((client) => client.close()));
      await engines.close();
    },
  };
}
