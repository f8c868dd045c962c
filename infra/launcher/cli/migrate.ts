import { Command } from 'commander';
import { controlRequest } from '../control/client.ts';
import type { Status } from '../control/status.ts';
import { migrateLedger } from '../start/migrate.ts';
import { commandConfig, print } from './context.ts';

export const migrateCommand = () =>
  new Command('migrate')
    .description('bring the ledger to the schema of this build (npm start does it by itself)')
    .option('--url <url>', 'the ledger (default: TOLLGATE_CLICKHOUSE_URL, else of what runs here)')
    .action(async ({ url }: { url?: string }) => {
      const { home, clickhouseUrl } = commandConfig();
      const target = url ?? clickhouseUrl ?? (await controlRequest<Status>(home, 'GET', '/status')).clickhouseUrl;
      const { from, to } = await migrateLedger(target);
      print(from === to ? `The ledger has schema ${to} already.` : `The ledger went from schema ${from} to ${to}.`);
    });
