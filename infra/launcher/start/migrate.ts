import { connect, type MigrateResult, migrate } from '@tollgate/ledger';

/** Brings the ledger behind this URL to the schema of this build. Safe to repeat. */
export async function migrateLedger(clickhouseUrl: string): Promise<MigrateResult> {
  const client = connect({ url: clickhouseUrl, application: 'tollgate-launcher' });
  try {
    return await migrate(client);
  } finally {
    await client.close();
  }
}
