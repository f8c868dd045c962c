import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { findChromium } from './programs/chromium.ts';
import { newSystem } from './system.ts';

/**
 * Starts one Tollgate, as `npm start` does, lets the tests drive it from outside, stops it. Resolves with the exit code.
 * @param together files that leave each other alone, all at once after the others
 */
export async function runTests(files: readonly string[], together: readonly string[] = []): Promise<number> {
  // A short bound on slow requests, so that the test of it is short too. A long one on lookups in the cache, which a machine that
  // runs a browser and another system beside this one does not always give their 100 ms.
  const system = await newSystem({ TOLLGATE_REQUEST_TIMEOUT_MS: '5000', TOLLGATE_CACHE_DEADLINE_MS: '2000' });
  let code = 1;
  try {
    const startedAt = Date.now();
    // To fetch a browser may take longer than a test; the one that needs it says so when there is none.
    const browser = files.some((file) => file.endsWith('console-page.test.ts')) && findChromium().catch(() => {});
    await system.start();
    await browser;
    console.log(`gateway ready in ${((Date.now() - startedAt) / 1000).toFixed(1)} s, home ${system.home}`);
    const env = { ...system.env, TOLLGATE_TEST_SYSTEM: 'shared' };
    const inTurn = await run(files, 1, env);
    code = (await run(together, together.length, env)) || inTurn;
    if (code !== 0) console.error(`the services' logs are in ${system.home}/logs`);
  } finally {
    await system.stop();
    if (code === 0) await system.remove();
  }
  return code;
}

async function run(files: readonly string[], atOnce: number, env: NodeJS.ProcessEnv): Promise<number> {
  if (files.length === 0) return 0;
  const options = ['--test', `--test-concurrency=${atOnce}`, '--test-timeout=900000'];
  const tests = spawn(process.execPath, [...options, ...files], { stdio: 'inherit', env });
  const [exit] = (await once(tests, 'exit')) as [number | null];
  return exit ?? 1;
}
