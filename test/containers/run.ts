import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import path from 'node:path';
import { docker } from '../support/docker.ts';

/**
 * `npm run test:containers`: the composition, brought up for real with one request through it, and the engines for tests as
 * containers. Where no Docker engine answers it is left out, says so, and succeeds.
 */
const root = path.resolve(import.meta.dirname, '../..');
const clickhouseDevImage = 'tollgate/clickhouse-dev:local';
const testMsMax = 20 * 60_000;

const fault = await docker('version', '--format', '{{.Server.Version}}').then(
  (version) => console.log(`Docker engine ${version.trim()}`),
  (error: Error) => error.message,
);
if (fault) {
  console.log(`LEFT OUT: no test of containers was run, for no Docker engine answers here.\n${fault}`);
  process.exit(0);
}

const clickhouseImage = process.env.TOLLGATE_TEST_CLICKHOUSE_IMAGE || clickhouseDevImage;
if (clickhouseImage === clickhouseDevImage) {
  console.log(`ClickHouse: ${clickhouseImage}, the engine for development, and not the official image.`);
  await docker(
    'build',
    '--file',
    'infra/docker/Dockerfile',
    '--target',
    'clickhouse-dev',
    '--tag',
    clickhouseImage,
    '.',
  );
}
const here = globSync('*.test.ts', { cwd: import.meta.dirname }).sort();
const files = [
  path.join(root, 'packages/testing/engines/engines.test.ts'),
  ...here.map((file) => path.join(import.meta.dirname, file)),
];
const { status } = spawnSync(
  process.execPath,
  ['--test', '--test-concurrency=1', `--test-timeout=${testMsMax}`, ...files],
  {
    cwd: root,
    stdio: 'inherit',
    env: {
      ...process.env,
      TOLLGATE_TEST_ENGINES: 'containers',
      TOLLGATE_TEST_CLICKHOUSE_IMAGE: clickhouseImage,
      // The tests remove what they start; the reaper would be one more image to pull.
      TESTCONTAINERS_RYUK_DISABLED: process.env.TESTCONTAINERS_RYUK_DISABLED ?? 'true',
    },
  },
);
process.exitCode = status ?? 1;
