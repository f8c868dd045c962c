import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { cacheFolder } from '@tollgate/engines';

const run = promisify(execFile);
const pip = ['-m', 'pip', '--quiet', '--disable-pip-version-check'];

/** Makes a folder the first time, and again what was not finished. Undefined: `make` had nothing to make it with. */
async function once(folder: string, python: string, make: () => Promise<boolean>): Promise<string | undefined> {
  const ready = path.join(folder, 'ready');
  if (existsSync(ready)) return folder;
  if (!(await make())) return undefined;
  await run(python, ['-c', `open(${JSON.stringify(ready)}, "w")`]);
  return folder;
}

/** A Python of its own with the official client, made the first time. Undefined: this machine has no Python that makes one. */
export async function pythonWithClient(): Promise<string | undefined> {
  const folder = path.join(cacheFolder(), 'python-openai');
  const python = path.join(folder, 'bin', 'python');
  const made = await once(folder, python, async () => {
    try {
      await run('python3', ['-m', 'venv', '--clear', folder]);
    } catch {
      return false;
    }
    await run(python, [...pip, 'install', 'openai>=2']);
    return true;
  });
  return made && python;
}

/**
 * The source package of the client that `python` has, with the tests that its makers ship in it, and what they run with.
 * Made the first time.
 */
export async function clientSources(python: string): Promise<string> {
  const { stdout } = await run(python, ['-c', 'import openai; print(openai.__version__)']);
  const version = stdout.trim();
  const folder = path.join(cacheFolder(), `python-openai-sources-${version}`);
  await once(folder, python, async () => {
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true });
    await run(python, [...pip, 'install', 'pytest>=9', 'pytest-asyncio>=1.4', 'rich>=13', 'openai[aiohttp]']);
    const source = ['download', '--no-deps', '--no-binary', 'openai', `openai==${version}`, '--dest', folder];
    await run(python, [...pip, ...source]);
    const [archive] = (await readdir(folder)).filter((name) => name.endsWith('.tar.gz'));
    await run('tar', ['-xzf', path.join(folder, archive ?? ''), '-C', folder, '--strip-components=1']);
    return true;
  });
  return folder;
}
