import path from 'node:path';
import { runTests } from './support/run-tests.ts';
import { testFiles } from './support/test-files.ts';

// `node test/run.ts [FILE…]`: end-to-end tests. Without files all of test/e2e, test/compat and test/failure, on two systems side
// by side: what kills again and again waits most of its time, and what it kills is missed by no other test.
const named = process.argv.slice(2).filter((argument) => !argument.startsWith('-'));
const patient = /\/(soak|upstream-kill)\.test\.ts$/;
const failure = testFiles('failure');
const lanes =
  named.length > 0
    ? [runTests(named.map((file) => path.resolve(file)))]
    : [
        runTests([...testFiles('e2e'), ...testFiles('compat')]),
        // The soak has a system of its own.
        runTests(
          failure.filter((file) => !patient.test(file)),
          failure.filter((file) => patient.test(file)),
        ),
      ];
const codes = await Promise.all(lanes);
process.exitCode = codes.find((code) => code !== 0) ?? 0;
