import { spawnSync } from 'node:child_process';
import { globSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { docker } from '../support/docker.ts';

/**
 * `npm run test:containers`: the composition, brought up for real with one request through it; the engines for tests as
 * containers; the launcher's engines on a machine that has nothing but Docker. Where no Docker engine answers it is left
 * out, says so, and succeeds.
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

const nothingButDocker = mkdtempSync(path.join(tmpdir(), 'tollgate-docker-only-'));
try {
  const found = (name: string) =>
    (process.env.PATH ?? '').split(path.delimiter).flatMap((folder) => globSync(path.join(folder, name)))[0];
  for (const name of ['node', 'docker', 'setpriv']) {
    const program = found(name);
    if (program) symlinkSync(program, path.join(nothingButDocker, name));
  }
  const passed = [
    run(
      globSync('*.test.ts', { cwd: import.meta.dirname })
        .sort()
        .map((file) => path.join('test/containers', file)),
      {
        TOLLGATE_TEST_CLICKHOUSE_IMAGE: clickhouseImage,
      },
    ),
    run(['packages/testing/engines/engines.test.ts'], {}),
    run(['infra/engines/engines.test.ts'], {
      PATH: nothingButDocker,
      TOLLGATE_CACHE: path.join(nothingButDocker, 'cache'),
    }),
  ];
  process.exitCode = passed.includes(false) ? 1 : 0;
} finally {
  rmSync(nothingButDocker, { recursive: true, force: true });
}

function run(files: string[], env: NodeJS.ProcessEnv): boolean {
  console.log(`\n▸ ${files.join(' ')}`);
  const { status } = spawnSync(
    process.execPath,
    ['--test', '--test-concurrency=1', `--test-timeout=${testMsMax}`, ...files],
    {
      cwd: root,
      stdio: 'inherit',
      env: {
        ...process.env,
        TOLLGATE_TEST_ENGINES: 'containers',
        // The tests remove what they start; the reaper would be one more image to pull.
        TESTCONTAINERS_RYUK_DISABLED: process.env.TESTCONTAINERS_RYUK_DISABLED ?? 'true',
        ...env,
      },
    },
  );
  return status === 0;
}
