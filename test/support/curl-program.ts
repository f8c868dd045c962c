import { execFile } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { cacheFolder } from '@tollgate/engines';
import { systemSource, unpackPackages, workFolder } from '@tollgate/engines/debian';
import { withLock } from '@tollgate/engines/host/lock';

/** Of what curl depends on: libraries, not the C library, which must be the one of this system's loader. */
const wanted = /^(lib(?!c6$|c-bin$)|zlib1g$)/;
const machines: Partial<Record<NodeJS.Architecture, string>> = { x64: 'x86_64-linux-gnu', arm64: 'aarch64-linux-gnu' };

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
  if (!existsSync(program)) await withLock(`${folder}.lock`, () => unpack(cache, folder, env));
  if (!(await answers(program, env)))
    throw new Error('no curl was found, and the one of the system’s packages could not be had: install curl');
  return `${path.dirname(program)}${path.delimiter}${PATH}`;
}

async function unpack(cache: string, folder: string, env: NodeJS.ProcessEnv): Promise<void> {
  const source = await systemSource(env);
  if (existsSync(folder) || !source) return;
  const work = workFolder(cache, 'curl');
  try {
    const suite = source.distribution.codename;
    await unpackPackages(work, source, { suite, roots: ['curl'], wanted, title: 'curl' }, env);
    const unpacked = path.join(work, 'x');
    const libraries = ['usr/lib', 'lib']
      .map((place) => path.join(folder, place, machines[process.arch] ?? ''))
      .join(':');
    mkdirSync(path.join(unpacked, 'bin'), { recursive: true });
    const script = path.join(unpacked, 'bin/curl');
    writeFileSync(script, `#!/bin/sh\nLD_LIBRARY_PATH='${libraries}' exec '${folder}/usr/bin/curl' "$@"\n`);
    chmodSync(script, 0o755);
    renameSync(unpacked, folder);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

async function answers(program: string, env: NodeJS.ProcessEnv): Promise<boolean> {
  return promisify(execFile)(program, ['--version'], { env }).then(
    () => true,
    () => false,
  );
}
