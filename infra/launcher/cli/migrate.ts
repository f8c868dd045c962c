import type { MigrateResult } from '@tollgate/ledger';
import { Command } from 'commander';
import { controlRequest } from '../control/client.ts';
import type { Status } from '../control/status.ts';
import { migrateLedger } from '../start/migrate.ts';
import { commandConfig, print } from './context.ts';

export const migrateCommand = () =>
  new Command('migrate')
    .description('bring the ledger to the schema of this build (npm start does it by itself)')
    .option('--url <url>', 'the ledger (default: TOLLGATE_CLICKHOUSE_URL, else of what runs here)')
    .option('--dry-run', 'only shows what would be done')
    .action(async ({ url, dryRun = false }: { url?: string; dryRun?: boolean }) => {
      const { home, clickhouseUrl } = commandConfig();
      const target = url ?? clickhouseUrl ?? (await controlRequest<Status>(home, 'GET', '/status')).clickhouseUrl;
      print(migrateText(await migrateLedger(target, { dryRun }), dryRun));
    });

/** What was done, or would be; a dry run shows every statement. */
export function migrateText({ from, to, migrations }: MigrateResult, dryRun: boolean): string {
  if (from === to) return `The ledger has schema ${to} already.`;
  const names = migrations.map(({ version, name }) => `  ${version} ${name}`);
  if (!dryRun) return [`The ledger went from schema ${from} to ${to}:`, ...names].join('\n');
  const statements = migrations.flatMap((migration) => [
    `-- ${migration.version} ${migration.name}`,
    ...migration.statements.map((statement) => `${statement};\n`),
  ]);
  return [...statements, `The ledger would go from schema ${from} to ${to}. Nothing was changed.`].join('\n');
}
