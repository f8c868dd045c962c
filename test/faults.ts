import { runTests } from './support/run-tests.ts';
import { testFiles } from './support/test-files.ts';

// npm run test:faults: what breaks things on purpose, with TOLLGATE_TEST_KILLS (100) kills of upstream.
process.exitCode = await runTests(testFiles('failure'));
