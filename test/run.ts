import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync } from 'node:fs';
import path from 'node:path';
import { findChromium } from './support/chromium.ts';
import { newSystem } from './support/system.ts';

/**
 * End-to-end tests: starts one Tollgate, as `npm start` does, lets the tests drive it from outside, and stops it.
 * `node test/run.ts [FILE…]`; without files all of test/e2e, then test/failure, which break things on purpose.
 */
const named = process.argv.slice(2).filter((argument) => !argument.startsWith('-'));
const here = import.meta.dirname;
const files =
  named.length > 0
    ? named.map((file) => path.resolve(file))
    : ['e2e', 'failure'].flatMap((folder) =>
        globSync(`${folder}/*.test.ts`, { cwd: here })
          .sort()
          .map((file) => path.join(here, file)),
      );

// A short bound on slow requests, so that the test of it is short too.
const system = await newSystem({ TOLLGATE_REQUEST_TIMEOUT_MS: '5000' });
let code = 1;
try {
  const startedAt = Date.now();
  // To fetch a browser may take longer than a test; the one that needs it says so when there is none.
  const browser = files.some((file) => file.endsWith('console-page.test.ts')) && findChromium().catch(() => {});
  await system.start();
  await browser;
  console.log(`gateway ready in ${((Date.now() - startedAt) / 1000).toFixed(1)} s, home ${system.home}`);
  const tests = spawn(process.execPath, ['--test', '--test-concurrency=1', '--test-timeout=120000', ...files], {
    stdio: 'inherit',
    env: { ...system.env, TOLLGATE_TEST_SYSTEM: 'shared' },
  });
  [code] = (await once(tests, 'exit')) as [number];
  if (code !== 0) console.error(`the services' logs are in ${system.home}/logs`);
} finally {
  await system.stop();
  if (code === 0) await system.remove();
}
process.exitCode = code;
