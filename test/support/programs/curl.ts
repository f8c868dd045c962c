import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { cacheFolder } from '@tollgate/engines';
import { withLock } from '@tollgate/engines/host/lock';
import { libraryPath, unpackInto } from './unpacked.ts';

const wanted = /^(lib(?!c6$|c-bin$)|zlib1g$)/;

/**
 * The PATH with which `curl` is found: as it is, else with a folder before it into which the system's package was unpacked, as a small
 * Debian or Ubuntu has none. @throws with what to do when there is none
 */
export async function pathWithCurl(env: NodeJS.ProcessEnv = process.env): Promise<string> {
  const { PATH = '' } = env;
  if (await answers('curl', env)) return PATH;
  const cache = cacheFolder(env);
  const folder = path.join(cache, `curl-${process.arch}`);
  const program = path.join(folder, 'bin/curl');
  const complete = (unpacked: string) => {
    mkdirSync(path.join(unpacked, 'bin'), { recursive: true });
    const line = `LD_LIBRARY_PATH='${libraryPath(folder)}' exec '${folder}/usr/bin/curl' "$@"`;
    writeFileSync(path.join(unpacked, 'bin/curl'), `#!/bin/sh\n${line}\n`, { mode: 0o755 });
  };
  if (!existsSync(program)) {
    const what = { cache, title: 'curl', roots: ['curl'], wanted, complete };
    await withLock(`${folder}.lock`, () => unpackInto(folder, what, env));
  }
  if (!(await answers(program, env)))
    throw new Error('no curl was found, and the one of the system’s packages could not be had: install curl');
  return `${path.dirname(program)}${path.delimiter}${PATH}`;
}

async function answers(program: string, env: NodeJS.ProcessEnv): Promise<boolean> {
  return promisify(execFile)(program, ['--version'], { env }).then(
    () => true,
    () => false,
  );
}
