import { Command } from 'commander';
import { adminClient, print } from './context.ts';

export const sqlCommand = () =>
  new Command('sql')
    .description('any read-only query on the ledger, whose table is `usage`')
    .argument('<query>')
    .option(
      '--format <format>',
      'JSON, JSONEachRow, CSV, CSVWithNames, TSV, Markdown, … (ClickHouse’s formats)',
      'PrettyCompactMonoBlock',
    )
    .action(async (query: string, { format }: { format: string }) => {
      print(await (await adminClient()).text('/api/sql', { method: 'POST', json: { query, format } }));
    });
