import { createHash } from 'node:crypto';
import { globSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const here = import.meta.dirname;
const dist = path.join(here, 'dist');
/** Beside what is served, and never served: names that begin with a dot are not. */
const mark = '.sources-sha256';
/** What decides the result beside the sources. */
const tools = ['vite', '@vitejs/plugin-react', 'react', 'react-dom', 'uplot'];

/**
 * Builds the pages when there are none, or when their sources or tools changed since, and says so on standard error;
 * else it prints nothing. Returns the folder to serve. Several may build at once: the folder appears whole or not at all.
 */
export async function buildWeb(): Promise<string> {
  const wanted = sourcesHash();
  if (builtHash() === wanted) return dist;
  process.stderr.write('building the console’s pages\n');
  const work = workFolder();
  try {
    const { build } = await import('vite');
    const outDir = path.join(work, 'new');
    await build({ root: here, configFile: path.join(here, 'vite.config.ts'), logLevel: 'warn', build: { outDir } });
    writeFileSync(path.join(outDir, mark), wanted);
    exchange(outDir, path.join(work, 'old'), wanted);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return dist;
}

function sourcesHash(): string {
  const hash = createHash('sha256');
  const files = globSync(['*.{ts,tsx,html,json}', '{api,domain,parts,public,state,styles}/**/*.*'], { cwd: here });
  for (const file of files.filter((name) => !name.endsWith('.test.ts')).sort())
    hash
      .update(`${file}\0`)
      .update(readFileSync(path.join(here, file)))
      .update('\0');
  const lock = JSON.parse(readFileSync(path.join(here, '../../package-lock.json'), 'utf8')) as {
    packages: Record<string, { version?: string } | undefined>;
  };
  for (const name of tools) {
    const entry = lock.packages[`apps/web/node_modules/${name}`] ?? lock.packages[`node_modules/${name}`];
    hash.update(`${name}@${entry?.version}\0`);
  }
  return hash.digest('hex');
}

function builtHash(): string | undefined {
  try {
    return readFileSync(path.join(dist, mark), 'utf8');
  } catch {
    return undefined;
  }
}

/** On the same file system as the result, so that it can be renamed. */
function workFolder(): string {
  const cache = path.join(here, '.cache');
  mkdirSync(cache, { recursive: true });
  return mkdtempSync(path.join(cache, 'build-'));
}

function exchange(made: string, old: string, wanted: string): void {
  try {
    renameSync(dist, old);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  try {
    renameSync(made, dist);
  } catch (error) {
    // Another build was quicker: its result is as good if it is of the same sources.
    if (builtHash() !== wanted) throw error;
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await buildWeb();
