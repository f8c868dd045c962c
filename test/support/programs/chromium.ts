import { execFile } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { cacheFolder } from '@tollgate/engines';
import { runQuietly } from '@tollgate/engines/debian';
import { withLock } from '@tollgate/engines/host/lock';
import { startProgress } from '@tollgate/engines/host/progress';
import { builtForThisMachine, fetchNpmChromium, npmChromiumFolder } from './chromium-npm.ts';
import { fontsConfiguration } from './fonts.ts';
import { libraryPath, unpackInto } from './unpacked.ts';

const names = ['chromium', 'google-chrome', 'google-chrome-stable', 'chromium-browser'];
// Without fonts a page has no text.
const packages = ['chromium', 'fonts-liberation'];
/** Of what they depend on: libraries and fonts, not the C library, which must be the one of this system's loader. */
const wanted = /^(lib(?!c6$|c-bin$)|chromium|fonts-|zlib1g$)/;
const versionMsMax = 10_000;

export interface Chromium {
  executable: string;
  /** What it needs beside the test's own environment. */
  env: Readonly<Record<string, string>>;
}

/**
 * A real Chromium: the one that TOLLGATE_TEST_CHROMIUM names, one on PATH, one that was fetched before; else it is
 * installed (by root), its packages are unpacked into the cache folder, or, where the system packages none (Ubuntu's is a
 * snap), a build comes from npm. A browser test is never left out: throws with what to do when there is none.
 */
export async function findChromium(env: NodeJS.ProcessEnv = process.env): Promise<Chromium> {
  const named = env.TOLLGATE_TEST_CHROMIUM;
  if (named) {
    if (await answers({ executable: named, env: {} })) return { executable: named, env: {} };
    throw new Error(`TOLLGATE_TEST_CHROMIUM=${named} is not a Chromium that runs here.`);
  }
  const cache = cacheFolder(env);
  const near = (await onPath(env)) ?? (await unpacked(cache)) ?? (await fromNpm(cache));
  if (near) return near;
  const faults: string[] = [];
  for (const get of [install, unpack, fetchFromNpm]) {
    try {
      const found = await withLock(path.join(cache, 'chromium.lock'), () => get(cache, env));
      if (found) return found;
    } catch (error) {
      faults.push((error as Error).message);
    }
  }
  throw new Error(
    [
      'no Chromium was found, and none could be fetched; the console’s page cannot be tested without one.',
      '  Debian:  apt-get install chromium (as root), or let this machine reach its package mirror',
      '  Ubuntu:  let this machine reach its npm registry (its own chromium is a snap)',
      '  macOS:   brew install --cask chromium',
      '  or set TOLLGATE_TEST_CHROMIUM to the program',
      ...faults,
    ].join('\n'),
  );
}

async function onPath(env: NodeJS.ProcessEnv): Promise<Chromium | undefined> {
  const folders = (env.PATH ?? '').split(path.delimiter).filter(Boolean);
  for (const name of names) {
    for (const folder of folders) {
      const found = { executable: path.join(folder, name), env: {} };
      if (existsSync(found.executable) && (await answers(found))) return found;
    }
  }
  return undefined;
}

/** Ubuntu's placeholder of that name only says that a snap is wanted, and a library may be missing. */
async function answers({ executable, env }: Chromium): Promise<boolean> {
  try {
    const options = { env: { ...process.env, ...env }, timeout: versionMsMax };
    const { stdout } = await promisify(execFile)(executable, ['--version'], options);
    return /Chrom(e|ium)/.test(stdout);
  } catch {
    return false;
  }
}

async function install(_cache: string, env: NodeJS.ProcessEnv): Promise<Chromium | undefined> {
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) return undefined;
  const already = await onPath(env);
  if (already) return already;
  const progress = startProgress('installing Chromium');
  try {
    const quiet = { env: { ...env, DEBIAN_FRONTEND: 'noninteractive' } };
    await runQuietly('apt-get', ['update', '-qq'], quiet);
    await runQuietly('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...packages], quiet);
    progress.done();
  } catch (error) {
    progress.failed();
    throw error;
  }
  return onPath(env);
}

async function unpack(cache: string, env: NodeJS.ProcessEnv): Promise<Chromium | undefined> {
  const already = await unpacked(cache);
  if (already) return already;
  const folder = folderOf(cache);
  // One that does not run any more.
  rmSync(folder, { recursive: true, force: true });
  const complete = (unpackedFolder: string) =>
    writeFileSync(path.join(unpackedFolder, 'fonts.conf'), fontsConfiguration(folder, 'usr/share/fonts'));
  await unpackInto(folder, { cache, title: 'Chromium', roots: packages, wanted, complete }, env);
  const found = await unpacked(cache);
  if (!found && existsSync(folder)) throw new Error(`the unpacked Chromium in ${folder} does not run`);
  return found;
}

async function unpacked(cache: string): Promise<Chromium | undefined> {
  const folder = folderOf(cache);
  const found = {
    executable: path.join(folder, 'usr/lib/chromium/chromium'),
    env: {
      LD_LIBRARY_PATH: libraryPath(folder),
      FONTCONFIG_FILE: path.join(folder, 'fonts.conf'),
    },
  };
  return existsSync(found.executable) && (await answers(found)) ? found : undefined;
}

async function fetchFromNpm(cache: string): Promise<Chromium | undefined> {
  if (!builtForThisMachine) return undefined;
  await fetchNpmChromium(cache);
  const found = await fromNpm(cache);
  if (!found) throw new Error(`the Chromium in ${npmChromiumFolder(cache)} does not run`);
  return found;
}

async function fromNpm(cache: string): Promise<Chromium | undefined> {
  const folder = npmChromiumFolder(cache);
  const executable = path.join(folder, 'chromium');
  if (!existsSync(executable)) return undefined;
  const env = {
    LD_LIBRARY_PATH: path.join(folder, 'lib'),
    FONTCONFIG_FILE: path.join(folder, 'fonts-here.conf'),
    // Of the locale C this build makes the language `en-US@posix`, which Intl refuses.
    LC_ALL: 'en_US.UTF-8',
  };
  const found = { executable, env };
  return (await answers(found)) ? found : undefined;
}

const folderOf = (cache: string) => path.join(cache, `chromium-debian-${process.arch}`);
