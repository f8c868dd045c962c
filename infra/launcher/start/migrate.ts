import { connect, type MigrateOptions, type MigrateResult, migrate } from '@tollgate/ledger';

/**
 * Brings the ledger behind this URL to the schema of this build. Safe to repeat.
 * @throws SchemaError when it does not fit or another process migrates it, Error when it is away
 */
export async function migrateLedger(
  clickhouseUrl: string,
  options: Pick<MigrateOptions, 'dryRun'> = {},
): Promise<MigrateResult> {
  const client = connect({ url: clickhouseUrl, application: 'tollgate-launcher' });
  try {
    return await migrate(client, options);
  } finally {
    await client.close();
  }
}
