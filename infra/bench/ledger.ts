import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { connect, migrate } from '@tollgate/ledger';
import { readQuestions } from '@tollgate/ledger/testing/questions';
import { startEngines } from '@tollgate/testing/engines';
import { Command } from 'commander';
import { generate } from './ledger/generate.ts';
import { measure, timingTable } from './ledger/measure.ts';
import { measureOwn, ownTimingTable } from './ledger/own-questions.ts';
import { count } from './options.ts';

// npm run bench:ledger: how long the questions of docs/ledger-for-analysts.md, and those that Tollgate itself asks, take over generated rows, in the engine of `npm start`.

const { rows, rounds, json } = new Command('npm run bench:ledger --')
  .description('How long the questions of docs/ledger-for-analysts.md, and Tollgate’s own, take over generated rows.')
  .option('--rows <n>', 'generated', count, 10_000_000)
  .option('--rounds <n>', 'of each question', count, 7)
  .option('--json <file>', 'where the figures go', 'bench-ledger.json')
  .parse()
  .opts<{ rows: number; rounds: number; json: string }>();

const engines = await startEngines({ only: ['clickhouse'] });
const client = connect({ url: engines.clickhouse.url, requestTimeoutMs: 300_000 });
try {
  await migrate(client);
  const startedAtMs = Date.now();
  const since = () => `${((Date.now() - startedAtMs) / 1000).toFixed(0)} s`;
  const onStep = (rows: number) => console.error(`${rows.toLocaleString('en-US')} rows, ${since()}`);
  const generated = await generate(client, { rows, toMs: Date.now(), onStep });
  console.error(`and their sums, ${since()}`);
  const timings = await measure(client, readQuestions(), rounds);
  const parts = await client.rows(
    `SELECT table, count() AS parts, sum(rows) AS rows, sum(bytes_on_disk) AS bytes FROM system.parts
     WHERE active AND database = currentDatabase() AND table LIKE 'usage%' GROUP BY table ORDER BY table`,
  );
  const [engine] = await client.rows<{ version: string }>('SELECT version() AS version');
  const own = await measureOwn(client, { ...generated, rounds });
  console.log(`\n${timingTable(timings)}\n\n${ownTimingTable(own)}\n`);
  console.log(`ClickHouse ${engine?.version}, ${cpus().length} cores; ${JSON.stringify(parts)}`);
  const machine = { processor: cpus()[0]?.model, cores: cpus().length, node: process.version, ...engine };
  const result = { at: new Date().toISOString(), machine, generated, parts, timings, own };
  writeFileSync(json, `${JSON.stringify(result, null, 2)}\n`);
  console.log(`written to ${json}`);
} finally {
  await client.close();
  await engines.close();
}
