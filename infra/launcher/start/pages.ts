import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { repositoryFolder } from '@tollgate/engines';
import { withLock } from '@tollgate/engines/host/lock';
import { startProgress } from '@tollgate/engines/host/progress';

const run = promisify(execFile);
const buildMsMax = 120_000;
const outputBytesMax = 10_000_000;

const webFolder = path.join(repositoryFolder, 'apps', 'web');

/**
 * Builds the console's pages with Vite when their sources differ from those that were built last, and there are any.
 * Throws with Vite's output when that fails.
 */
export async function buildPages(folder = webFolder): Promise<void> {
  if (!existsSync(path.join(folder, 'index.html'))) return;
  const stamp = path.join(folder, 'dist', '.sources');
  const isFresh = (sources: string) => existsSync(stamp) && readFileSync(stamp, 'utf8') === sources;
  if (isFresh(sourcesSha256(folder))) return;
  // Two starts at once would write into the same folder.
  await withLock(path.join(folder, '.build.lock'), async () => {
    const sources = sourcesSha256(folder);
    if (isFresh(sources)) return;
    const progress = startProgress('building the console’s pages');
    try {
      await vite(folder);
      writeFileSync(stamp, sources);
      progress.done();
    } catch (error) {
      progress.failed();
      throw error;
    }
  });
}

async function vite(folder: string): Promise<void> {
  const program = path.join(repositoryFolder, 'node_modules', 'vite', 'bin', 'vite.js');
  try {
    await run(process.execPath, [program, 'build'], { cwd: folder, timeout: buildMsMax, maxBuffer: outputBytesMax });
  } catch (error) {
    const { stdout = '', stderr = '', message } = error as Error & { stdout?: string; stderr?: string };
    throw new Error(`The console's pages could not be built: ${`${stdout}${stderr}`.trim() || message}`);
  }
}

/** Of everything that a build reads of the folder: names and contents. */
export function sourcesSha256(folder: string): string {
  const hash = createHash('sha256');
  for (const file of sourceFiles(folder).sort()) {
    hash.update(`${path.relative(folder, file)}\0`);
    hash.update(readFileSync(file));
  }
  return hash.digest('hex');
}

function sourceFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (['dist', 'node_modules', '.build.lock', '.turbo'].includes(entry.name)) return [];
    const file = path.join(folder, entry.name);
    return entry.isDirectory() ? sourceFiles(file) : [file];
  });
}
