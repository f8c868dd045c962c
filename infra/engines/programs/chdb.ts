import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { withLock } from '../host/lock.mjs';
import { npm } from '../host/npm.mjs';
import { startProgress } from '../host/progress.mjs';
import { workFolder } from './work-folder.ts';

/** chDB is the ClickHouse engine as a library; this version holds ClickHouse `engineVersion`. */
const chdbVersion = '3.4.0';
export const engineVersion = '26.7.2.1';

const downloadBytes = 178_000_000;

/** Exact versions, so that a later install gets the same files, with the checksums that the registry published. */
const packages: Readonly<Record<string, { version: string; integrity: string }>> = {
  chdb: {
    version: chdbVersion,
    integrity: 'sha512-HMNj4dq3lIrwqxwGSuuEjo9EIlC+k8IjsSQHh1ZStGvV6MRckfvPM2aDqzdW1ti3fldrt9UIntJBm0AbV9nbDQ==',
  },
  '@clickhouse/client-common': {
    version: '1.23.0',
    integrity: 'sha512-OkuxPkQ+ph8CCrt/4DYBvlJ9D9Q9q7FwvP8FdwER+7UDNO3jN4Ee6SZl9iLupKJIvKeuS68+x86ZyqFuHdPK3g==',
  },
  'node-addon-api': {
    version: '6.1.0',
    integrity: 'sha512-+eawOlIgy680F0kBzPUNFhMZGtJ1YmqM6l4+Crf4IkImjYrO/mqPwRMh352g23uIaQKFItcQ64I7KMaJxHgAVA==',
  },
  'node-gyp-build': {
    version: '4.8.4',
    integrity: 'sha512-LA4ZjwlnUblHVgq0oBF3Jl/6h/Nvs5fzBLwdEF4nuxnFdsfajde4WfxtJr3CaiH+F6ewcIB/q4jQ4UzPyid+CQ==',
  },
};

/**
 * The package with the library itself, by platform; chdb names its exact version. Where no checksum stands here, npm's
 * own check against the registry's entry is the only one (the package could not be had when this table was made).
 */
const libraries: Readonly<Record<string, { name: string; integrity?: string }>> = {
  'linux-x64': {
    name: '@chdb/lib-linux-x64-gnu',
    integrity: 'sha512-XP97mMqnc5tZpKQywR8N7cLTsHNiTmHr30pC5mzo3jWmukjKn2IBa60c2B/gWUNcuFjOMjWoorQICCqBVj5wpw==',
  },
  'linux-arm64': { name: '@chdb/lib-linux-arm64-gnu' },
  'darwin-x64': { name: '@chdb/lib-darwin-x64' },
  'darwin-arm64': { name: '@chdb/lib-darwin-arm64' },
};

/** The folder whose node_modules holds chDB, when it was fetched before. */
export function cachedChdb(cache: string): string | undefined {
  const library = libraryHere();
  const folder = chdbFolder(cache);
  return library && existsSync(path.join(folder, 'complete')) && existsSync(libraryFile(folder, library.name))
    ? folder
    : undefined;
}

/** Fetches chDB with npm, without running any install script. Undefined on a platform that it does not exist for. */
export async function fetchChdb(cache: string): Promise<string | undefined> {
  const library = libraryHere();
  if (!library) return undefined;
  const folder = chdbFolder(cache);
  return withLock(`${folder}.lock`, async () => {
    if (cachedChdb(cache)) return folder;
    const work = workFolder(cache, 'chdb');
    const progress = startProgress(`fetching chDB ${chdbVersion} (the ledger’s engine)`, { bytes: downloadBytes });
    try {
      const exact = Object.entries(packages).map(([name, { version }]) => `${name}@${version}`);
      writeFileSync(path.join(work, 'package.json'), '{"private":true}\n');
      await npm(
        ['install', '--prefix', work, '--ignore-scripts', '--save-exact', '--no-audit', '--no-fund', ...exact],
        { cwd: work },
      );
      verify(work, library);
      writeFileSync(path.join(work, 'complete'), '');
      rmSync(folder, { recursive: true, force: true });
      renameSync(work, folder);
      progress.done();
      return folder;
    } catch (error) {
      progress.failed();
      throw error;
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
  });
}

// npm compares each download with the checksum of the registry's entry and notes it in the lock file; this compares
// those with the ones that stand here.
function verify(folder: string, library: { name: string; integrity?: string }): void {
  const lock = JSON.parse(readFileSync(path.join(folder, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { integrity?: string }>;
  };
  const expected = { ...packages, [library.name]: library };
  for (const [name, { integrity }] of Object.entries(expected)) {
    const found = lock.packages[`node_modules/${name}`];
    if (integrity && found?.integrity !== integrity)
      throw new Error(`${name} has the checksum ${found?.integrity}, expected ${integrity}: it was not used.`);
  }
  if (!existsSync(libraryFile(folder, library.name)))
    throw new Error(`The registry has no ${library.name} for this machine.`);
}

/** Where a cache folder has chDB of this version, once it was fetched. */
export const chdbFolder = (cache: string) => path.join(cache, `chdb-${chdbVersion}`);
const libraryFile = (folder: string, name: string) => path.join(folder, 'node_modules', name, 'package.json');

function libraryHere() {
  const musl =
    process.platform === 'linux' &&
    !(process.report.getReport() as { header: { glibcVersionRuntime?: string } }).header.glibcVersionRuntime;
  return musl ? undefined : libraries[`${process.platform}-${process.arch}`];
}
