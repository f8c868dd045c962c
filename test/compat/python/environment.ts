import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { cacheFolder } from '@tollgate/engines';

const run = promisify(execFile);

/** A Python of its own with the official client, made the first time. Undefined: this machine has no Python that makes one. */
export async function pythonWithClient(): Promise<string | undefined> {
  const folder = path.join(cacheFolder(), 'python-openai');
  const python = path.join(folder, 'bin', 'python');
  if (!existsSync(path.join(folder, 'ready'))) {
    try {
      await run('python3', ['-m', 'venv', '--clear', folder]);
    } catch {
      return undefined;
    }
    await run(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', 'openai>=2']);
    await run(python, ['-c', `open(${JSON.stringify(path.join(folder, 'ready'))}, "w")`]);
  }
  return python;
}
