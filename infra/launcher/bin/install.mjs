import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { npm, startProgress, withLock } from './host.mjs';

/**
 * Makes sure that what package-lock.json asks for stands in node_modules; with `dev` the tools for tests too.
 * An install made by hand counts, and a full one counts for a start.
 */
export async function ensureInstalled(repository, { dev }) {
  if (missingPackages(repository, { dev }).length === 0) return;
  const locks = path.join(repository, '.cache');
  mkdirSync(locks, { recursive: true });
  await withLock(path.join(locks, 'install.lock'), async () => {
    const missing = missingPackages(repository, { dev });
    if (missing.length === 0) return;
    const progress = startProgress(`installing ${missing.length} npm packages`);
    try {
      await npm(['install', '--no-audit', '--no-fund', ...(dev ? ['--include=dev'] : ['--omit=dev'])], {
        cwd: repository,
      });
      progress.done();
    } catch (error) {
      progress.failed();
      throw error;
    }
  });
}

/**
 * The paths of package-lock.json that node_modules lacks or holds in another version. npm writes the list of what it
 * installed to node_modules/.package-lock.json as its last step, so an interrupted install is seen as missing.
 */
export function missingPackages(repository, { dev }) {
  const wanted = readPackages(path.join(repository, 'package-lock.json'));
  const present = readPackages(path.join(repository, 'node_modules', '.package-lock.json'));
  return (
    Object.entries(wanted)
      .filter(([where]) => where.startsWith('node_modules/') || where.includes('/node_modules/'))
      .filter(([, entry]) => dev || !(entry.dev || entry.devOptional))
      // Packages for other platforms are not installed, and the lock says no more than that they are optional.
      .filter(([, entry]) => !entry.optional)
      .filter(([where, entry]) => !same(entry, present[where]))
      .map(([where]) => where)
  );
}

function same(wanted, present) {
  if (!present) return false;
  return wanted.link
    ? present.link === true && present.resolved === wanted.resolved
    : present.version === wanted.version;
}

function readPackages(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages ?? {};
  } catch (error) {
    if (error.code === 'ENOENT' || error instanceof SyntaxError) return {};
    throw error;
  }
}
