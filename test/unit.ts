import { globSync } from 'node:fs';
import path from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { startEngines } from '@tollgate/testing/engines';

// `node test/unit.ts [FILE…]`: the tests beside the code; without files all but *.long.test.ts (`npm run test:faults`).
const root = path.resolve(import.meta.dirname, '..');

/** Waits of some and work of others fill two cores. */
const filesAtOnce = 3;

/** What takes longest comes first, so that no core waits for a last long file. */
const longFirst = [
  'services/analytics/**/*.test.ts',
  'infra/launcher/launcher.test.ts',
  'infra/clickhouse-dev/*.test.ts',
  'packages/ledger/**/*.test.ts',
  'services/*/*.test.ts',
  '{packages,services,infra,apps}/**/*.test.ts',
  'test/soak/**/*.test.ts',
];
const exclude = (name: string) => name === 'node_modules' || name.endsWith('.long.test.ts');
const all = () => longFirst.flatMap((pattern) => globSync(pattern, { cwd: root, exclude }).sort());
const named = process.argv.slice(2);
const files = named.length > 0 ? named : [...new Set(all())];

// Many files need a database and no engine of their own: it takes seconds to start one.
const engines = await startEngines({ only: ['clickhouse'] });
process.env.TOLLGATE_TEST_CLICKHOUSE_URL = engines.clickhouse.url;
const tests = run({ files: files.map((file) => path.join(root, file)), concurrency: filesAtOnce, cwd: root });
tests.on('test:fail', () => {
  process.exitCode = 1;
});
tests.compose(new spec()).pipe(process.stdout);
tests.on('end', () => void engines.close());
