import type { LedgerClient } from '../client.ts';
import { createAppliedTable, readApplied, recordApplied } from './applied.ts';
import { checkFits, pendingMigrations } from './compare.ts';
import { type Migration, readMigrations } from './files.ts';
import { withLock } from './lock.ts';

export interface MigrateOptions {
  /** Only tells what would be done; the database is not touched. */
  dryRun?: boolean;
  /** How long to wait for another process that migrates. Default 90 s. */
  lockWaitMs?: number;
  /** A process that migrates and was silent for longer is taken for dead. Default 60 s. */
  lockLeaseMs?: number;
  /** Default: the files of this build. */
  migrations?: readonly Migration[];
}

export interface MigrateResult {
  /** Schema version before. */
  from: number;
  /** Schema version after, or what it would be. */
  to: number;
  /** What was, or would be, applied. */
  migrations: readonly Migration[];
}

/**
 * Brings the schema to what this build knows. Migrations only add, each statement can be repeated, so one that was interrupted is finished
 * by the next call. Nothing else changes a schema.
 * @throws SchemaError when the history does not fit or another process holds the lock
 */
export async function migrate(client: LedgerClient, options: MigrateOptions = {}): Promise<MigrateResult> {
  const known = options.migrations ?? readMigrations();
  const before = await readApplied(client);
  const pending = pendingMigrations(known, before);
  if (options.dryRun || pending.length === 0) return result(before.length, pending);
  await client.createDatabase();
  const lock = { waitMs: options.lockWaitMs ?? 90_000, leaseMs: options.lockLeaseMs ?? 60_000 };
  return withLock(client, lock, async (renew) => {
    await createAppliedTable(client);
    const applied = await readApplied(client);
    const toApply = pendingMigrations(known, applied);
    for (const migration of toApply) {
      for (const statement of migration.statements) {
        await renew();
        await client.command(statement, {}, { settings: { max_execution_time: 0 } });
      }
      await recordApplied(client, migration);
    }
    return result(applied.length, toApply);
  });
}

/**
 * For the start of a service.
 * @throws SchemaError when this build does not fit the schema that is there
 */
export async function assertSchema(
  client: LedgerClient,
  migrations: readonly Migration[] = readMigrations(),
  options: { signal?: AbortSignal } = {},
): Promise<void> {
  checkFits(migrations, await readApplied(client, options));
}

function result(from: number, migrations: readonly Migration[]): MigrateResult {
  return { from, to: from + migrations.length, migrations };
}
