import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { connect, migrate } from '@tollgate/ledger';
import { readQuestions } from '@tollgate/ledger/testing/questions';
import { startEngines } from '@tollgate/testing/engines';
import { generate } from './ledger/generate.ts';
import { measure, timingTable } from './ledger/measure.ts';
import { measureOwn, ownTimingTable } from './ledger/own-questions.ts';

// npm run bench:ledger: how long the questions of docs/ledger-for-analysts.md, and those that Tollgate itself asks, take over generated rows, in the engine of `npm start`.

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '10000000' },
    rounds: { type: 'string', default: '7' },
    json: { type: 'string', default: 'bench-ledger.json' },
  },
});

const engines = await startEngines({ only: ['clickhouse'] });
const client = connect({ url: engines.clickhouse.url, requestTimeoutMs: 300_000 });
try {
  await migrate(client);
  const startedAtMs = Date.now();
  const since = () => `${((Date.now() - startedAtMs) / 1000).toFixed(0)} s`;
  const onStep = (rows: number) => console.error(`${rows.toLocaleString('en-US')} rows, ${since()}`);
  const generated = await generate(client, { rows: Number(values.rows), toMs: Date.now(), onStep });
  console.error(`and their sums, ${since()}`);
  const timings = await measure(client, readQuestions(), Number(values.rounds));
  const parts = await client.rows(
    `SELECT table, count() AS parts, sum(rows) AS rows, sum(bytes_on_disk) AS bytes FROM system.parts
     WHERE active AND database = currentDatabase() AND table LIKE 'usage%' GROUP BY table ORDER BY table`,
  );
  const [engine] = await client.rows<{ version: string }>('SELECT version() AS version');
  const own = await measureOwn(client, { ...generated, rounds: Number(values.rounds) });
  console.log(`\n${timingTable(timings)}\n\n${ownTimingTable(own)}\n`);
  console.log(`ClickHouse ${engine?.version}, ${cpus().length} cores; ${JSON.stringify(parts)}`);
  const machine = { processor: cpus()[0]?.model, cores: cpus().length, node: process.version, ...engine };
  const result = { at: new Date().toISOString(), machine, generated, parts, timings, own };
  writeFileSync(values.json, `${JSON.stringify(result, null, 2)}\n`);
  console.log(`written to ${values.json}`);
} finally {
  await client.close();
  await engines.close();
}
