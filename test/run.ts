import path from 'node:path';
import { runTests } from './support/run-tests.ts';
import { testFiles } from './support/test-files.ts';

// `node test/run.ts [FILE…]`: end-to-end tests. Without files all of test/e2e, test/compat and test/failure, on two systems side
// by side: what kills again and again waits most of its time, and what it kills is missed by no other test.
const named = process.argv.slice(2).filter((argument) => !argument.startsWith('-'));
/** Kill again and again, and wait most of their time; the soak has a system of its own, the other kills only upstream. */
const patient = /\/(soak|upstream-kill)\.test\.ts$/;
/** Has a system of its own: it may run wherever there is time. */
const elsewhere = /\/one-process\.test\.ts$/;

function everything(): Promise<number>[] {
  const [e2e, failure] = [testFiles('e2e'), testFiles('failure')];
  const first = [...e2e.filter((file) => !elsewhere.test(file)), ...testFiles('compat')];
  const second = [...failure.filter((file) => !patient.test(file)), ...e2e.filter((file) => elsewhere.test(file))];
  return [
    runTests(first),
    runTests(
      second,
      failure.filter((file) => patient.test(file)),
    ),
  ];
}

const codes = await Promise.all(named.length > 0 ? [runTests(named.map((file) => path.resolve(file)))] : everything());
process.exitCode = codes.find((code) => code !== 0) ?? 0;
