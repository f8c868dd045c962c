import { existsSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { withLock } from '../../host/lock.mjs';
import { compareVersions, versionIn, versionMin } from '../../versions.ts';
import { workFolder } from '../work-folder.ts';
import { runQuietly } from './apt.ts';
import { fileSha256, type Manifest, readManifest, type UnpackedProgram } from './manifest.ts';
import { type SystemSource, systemSource, unpackPackages } from './unpack.ts';

const roots = ['redis-server', 'redis-tools', 'nats-server'] as const;
/** Only these run with the engines. */
const wanted = /^(lib|zlib1g$|redis-|nats-server$)/;

/** Debian's name of this machine's architecture, and what its library folder and loader are called. */
const architectures: Partial<Record<NodeJS.Architecture, { name: string; libraries: string; loader: string }>> = {
  x64: { name: 'amd64', libraries: 'usr/lib/x86_64-linux-gnu', loader: 'ld-linux-x86-64.so.2' },
  arm64: { name: 'arm64', libraries: 'usr/lib/aarch64-linux-gnu', loader: 'ld-linux-aarch64.so.1' },
};

export interface DebianEngines {
  folder: string;
  manifest: Manifest;
}

/** Engines that were fetched before for this architecture, when they are still intact. */
export function cachedDebianEngines(cache: string): DebianEngines | undefined {
  const folder = targetFolder(cache);
  const manifest = folder && readManifest(folder);
  return folder && manifest ? { folder, manifest } : undefined;
}

/**
 * Downloads nats-server and Redis from the system's own mirror, out of the first release that has them new enough, and
 * unpacks them into the cache folder; nothing is installed and no root is needed. Undefined on a system without apt,
 * for another architecture, or without a mirror; throws when the download itself fails.
 */
export async function fetchDebianEngines(cache: string, env: NodeJS.ProcessEnv): Promise<DebianEngines | undefined> {
  const folder = targetFolder(cache);
  const source = folder && (await systemSource(env));
  if (!folder || !source) return undefined;
  return withLock(`${folder}.lock`, async () => cachedDebianEngines(cache) ?? fetchFirst(cache, folder, source, env));
}

async function fetchFirst(cache: string, folder: string, source: SystemSource, env: NodeJS.ProcessEnv) {
  const faults: string[] = [];
  for (const suite of source.distribution.suites) {
    const work = workFolder(cache, 'engines');
    try {
      const manifest = await fetchSuite(work, source, suite, env);
      rmSync(folder, { recursive: true, force: true });
      renameSync(path.join(work, 'x'), folder);
      return { folder, manifest };
    } catch (error) {
      faults.push((error as Error).message);
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
  }
  throw new Error(`NATS and Redis could not be fetched from ${source.mirror}:\n${faults.join('\n')}`);
}

async function fetchSuite(work: string, source: SystemSource, suite: string, env: NodeJS.ProcessEnv) {
  const packages = await unpackPackages(work, source, { suite, roots, wanted, title: 'NATS and Redis' }, env);
  const target = path.join(work, 'x');
  const manifest: Manifest = {
    suite,
    mirror: source.mirror,
    packages,
    programs: {
      redis: await describe(target, 'usr/bin/redis-server', versionMin.redis, env),
      nats: await describe(target, 'usr/sbin/nats-server', versionMin.nats, env),
    },
  };
  writeFileSync(path.join(target, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`, { mode: 0o600 });
  return manifest;
}

async function describe(
  folder: string,
  file: string,
  atLeast: string,
  env: NodeJS.ProcessEnv,
): Promise<UnpackedProgram> {
  const command = [...loaderOf(folder), file];
  const absolute = absoluteCommand(folder, command);
  const printed = await runQuietly(absolute[0] ?? '', [...absolute.slice(1), '--version'], { env });
  const version = versionIn(printed);
  const sha256 = fileSha256(path.join(folder, file));
  if (!version || !sha256 || compareVersions(version, atLeast) < 0)
    throw new Error(`${path.basename(file)} is ${version ?? 'of no known version'} there, and ${atLeast} is needed`);
  return { command, version, sha256 };
}

/** The loader that came with the packages, told where their libraries are: this system's own may be too old for them. */
function loaderOf(folder: string): string[] {
  const { libraries, loader } = architectures[process.arch] ?? { libraries: '', loader: '' };
  const candidates = ['usr/lib64', 'usr/lib', 'lib64', 'lib', libraries].map((place) => path.join(place, loader));
  const found = candidates.find((candidate) => existsSync(path.join(folder, candidate)));
  if (!found) throw new Error(`libc6 has no ${loader}`);
  return [found, '--library-path', libraries];
}

/** The command of a manifest with its folders made absolute. */
export function absoluteCommand(folder: string, command: readonly string[]): string[] {
  return command.map((part) => (part.startsWith('--') ? part : path.join(folder, part)));
}

function targetFolder(cache: string): string | undefined {
  const architecture = process.platform === 'linux' ? architectures[process.arch] : undefined;
  return architecture && path.join(cache, `engines-debian-${architecture.name}`);
}
