import path from 'node:path';
import { runTests } from './support/run-tests.ts';
import { testFiles } from './support/test-files.ts';

// `node test/run.ts [FILE…]`: end-to-end tests; without files all of test/e2e and test/compat, then
// test/failure, which break things.
const named = process.argv.slice(2).filter((argument) => !argument.startsWith('-'));
const files =
  named.length > 0
    ? named.map((file) => path.resolve(file))
    : [...testFiles('e2e'), ...testFiles('compat'), ...testFiles('failure')];
process.exitCode = await runTests(files);
