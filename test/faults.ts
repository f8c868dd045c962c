import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import path from 'node:path';
import { runTests } from './support/run-tests.ts';
import { testFiles } from './support/test-files.ts';

// npm run test:faults [-- --seed N …]: the soak at length, then what breaks things on purpose, with TOLLGATE_TEST_KILLS (100)
// kills of upstream, and what takes too long for `npm test`.
const root = path.resolve(import.meta.dirname, '..');
const run = (...args: string[]) => spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' }).status ?? 1;

const soak = run(...process.execArgv, 'test/soak/main.ts', ...process.argv.slice(2));
const long = globSync('{packages,services,infra}/**/*.long.test.ts', {
  cwd: root,
  exclude: (name) => name === 'node_modules',
});
const unit = run('--test', '--test-concurrency=1', ...long);
const short = path.join('failure', 'soak.test.ts');
const files = [...testFiles('failure').filter((file) => !file.endsWith(short)), ...testFiles('long')];
process.exitCode = (await runTests(files)) || unit || soak;
