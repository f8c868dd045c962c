import path from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { startEngines } from '@tollgate/testing/engines';
import { ownProcessFiles } from './support/unit-files.ts';

// `node test/unit.ts [FILE…]`: the tests beside the code; without files all but *.long.test.ts (`npm run test:faults`).
const named = process.argv.slice(2).map((file) => path.resolve(file));
const decisions = path.join(import.meta.dirname, 'support/decisions.ts');
const files = named.length > 0 ? named : [decisions, ...ownProcessFiles()];

/** Waits of some and work of others fill two cores. */
const filesAtOnce = 3;

// Many files need a database and no engine of their own: it takes seconds to start one.
const engines = await startEngines({ only: ['clickhouse'] });
process.env.TOLLGATE_TEST_CLICKHOUSE_URL = engines.clickhouse.url;
const tests = run({ files, concurrency: filesAtOnce });
tests.on('test:fail', () => {
  process.exitCode = 1;
});
tests.on('end', () => void engines.close());
tests.compose(new spec()).pipe(process.stdout);
