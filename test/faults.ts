import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { runTests } from './support/run-tests.ts';
import { testFiles } from './support/test-files.ts';

// npm run test:faults [-- --seed N …]: the soak at length, then what breaks things on purpose, with TOLLGATE_TEST_KILLS (100)
// kills of upstream, and what takes too long for `npm test`.
const soak = path.join(import.meta.dirname, 'soak/main.ts');
const { status } = spawnSync(process.execPath, [...process.execArgv, soak, ...process.argv.slice(2)], {
  stdio: 'inherit',
});
const short = path.join('failure', 'soak.test.ts');
const files = [...testFiles('failure').filter((file) => !file.endsWith(short)), ...testFiles('long')];
const code = await runTests(files);
process.exitCode = code || (status ?? 1);
