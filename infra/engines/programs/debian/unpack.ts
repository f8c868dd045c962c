import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { startProgress } from '../../host/progress.mjs';
import { type Apt, privateApt, runQuietly } from './apt.ts';
import { packagesFor } from './dependencies.ts';
import { type Distribution, distributionOf } from './distribution.ts';
import { indexTargetFormat, mirrorOf } from './mirror.ts';
import { type DebianPackage, parsePrintedUris } from './print-uris.ts';

/** Where this system's packages come from. */
export interface SystemSource {
  mirror: string;
  distribution: Distribution;
}

export interface UnpackOptions {
  /** Release to take the packages from. */
  suite: string;
  roots: readonly string[];
  /** Which of the dependencies to unpack too: what else packages want (users, service files) is for an installed system. */
  wanted: RegExp;
  /** What is fetched, for the line of progress. */
  title: string;
}

/** Undefined on a system without apt and dpkg, that is neither Debian nor Ubuntu, or that has no mirror. */
export async function systemSource(env: NodeJS.ProcessEnv): Promise<SystemSource | undefined> {
  const distribution = readDistribution();
  if (!distribution || !existsSync('/usr/bin/apt-get') || !existsSync('/usr/bin/dpkg-deb')) return undefined;
  const targets = await runQuietly('apt-get', ['indextargets', '--format', indexTargetFormat], {
    env: { ...env, LC_ALL: 'C' },
  });
  const mirror = mirrorOf(targets, distribution);
  return mirror === undefined ? undefined : { mirror, distribution };
}

/**
 * Downloads packages and those of their dependencies that are wanted, for any user, and unpacks them into `x` in the
 * folder `work`. Returns what was unpacked; throws when the release lacks a package or the download fails.
 */
export async function unpackPackages(
  work: string,
  { mirror, distribution }: SystemSource,
  { suite, roots, wanted, title }: UnpackOptions,
  env: NodeJS.ProcessEnv,
): Promise<DebianPackage[]> {
  const listing = startProgress(`reading the package lists of ${suite}`);
  const apt = await privateApt(work, { mirror, suite, distribution }, env);
  const names = await apt('apt-get', ['update', '-qq'])
    .then(() => apt('apt-cache', ['depends', '--recurse', '--important', ...roots]))
    .then((printed) => packagesFor(roots, printed, wanted))
    .catch((error: unknown) => {
      listing.failed();
      throw error;
    });
  listing.done();
  const packages = await download(work, apt, names, title);
  for (const file of readdirSync(work).filter((name) => name.endsWith('.deb'))) {
    await runQuietly('dpkg-deb', ['-x', path.join(work, file), path.join(work, 'x')], { env });
  }
  return packages;
}

async function download(work: string, apt: Apt, names: readonly string[], title: string) {
  const packages = parsePrintedUris(await apt('apt-get', ['download', '--print-uris', ...names]));
  const bytes = packages.reduce((sum, { bytes: size }) => sum + size, 0);
  const progress = startProgress(`fetching ${title}`, { bytes });
  try {
    await apt('apt-get', ['download', '-qq', ...names]);
    progress.done();
  } catch (error) {
    progress.failed();
    throw error;
  }
  // apt has compared every file with its checksum in the signed lists; callers keep which ones they were.
  const missing = packages.filter(({ file }) => !existsSync(path.join(work, file)));
  if (missing.length > 0) throw new Error(`apt-get left out ${missing.map(({ file }) => file).join(', ')}`);
  return packages;
}

function readDistribution(): Distribution | undefined {
  try {
    return distributionOf(readFileSync('/etc/os-release', 'utf8'));
  } catch {
    return undefined;
  }
}
