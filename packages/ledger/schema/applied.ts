import { ClickHouseError } from '@clickhouse/client';
import type { LedgerClient, QueryOptions } from '../client.ts';
import type { Migration } from './files.ts';

export interface AppliedMigration {
  version: number;
  name: string;
  compatibleFrom: number;
  checksum: string;
}

const UNKNOWN_TABLE = '60';
const UNKNOWN_DATABASE = '81';

const TABLE = `CREATE TABLE IF NOT EXISTS schema_migrations
(
    version UInt32,
    name String,
    compatible_from UInt32,
    checksum String,
    applied_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC')
)
ENGINE = MergeTree ORDER BY version
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1`;

export async function createAppliedTable(client: LedgerClient): Promise<void> {
  await client.command(TABLE);
}

/** In order; empty when there is no database or no table yet. */
export async function readApplied(client: LedgerClient, options: QueryOptions = {}): Promise<AppliedMigration[]> {
  try {
    return await client.rows<AppliedMigration>(
      `SELECT version, argMin(m.name, m.applied_at) AS name, argMin(m.compatible_from, m.applied_at) AS compatibleFrom,
         argMin(m.checksum, m.applied_at) AS checksum
       FROM schema_migrations AS m GROUP BY version ORDER BY version`,
      {},
      options,
    );
  } catch (error) {
    if (error instanceof ClickHouseError && (error.code === UNKNOWN_TABLE || error.code === UNKNOWN_DATABASE))
      return [];
    throw error;
  }
}

export async function recordApplied(client: LedgerClient, migration: Migration): Promise<void> {
  const { version, name, compatibleFrom, checksum } = migration;
  await client.insert('schema_migrations', [{ version, name, compatible_from: compatibleFrom, checksum }]);
}
