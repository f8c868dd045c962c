import { existsSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { systemSource, unpackPackages, workFolder } from '@tollgate/engines/debian';

const machines: Partial<Record<NodeJS.Architecture, string>> = { x64: 'x86_64-linux-gnu', arm64: 'aarch64-linux-gnu' };

export interface Wanted {
  cache: string;
  /** What is fetched, for the line of progress. */
  title: string;
  roots: readonly string[];
  /** Which of their dependencies too; the C library must be the one of this system's loader. */
  wanted: RegExp;
  /** What else belongs to it, before it is found. */
  complete?(unpacked: string): void;
}

/**
 * Unpacks packages of this system's own release, which run with its loader and C library, as `folder`. Nothing on a system without
 * such packages. @throws when they cannot be fetched
 */
export async function unpackInto(folder: string, { cache, title, complete, ...rest }: Wanted, env: NodeJS.ProcessEnv) {
  const source = await systemSource(env);
  if (!source || existsSync(folder)) return;
  const work = workFolder(cache, path.basename(folder));
  try {
    await unpackPackages(work, source, { suite: source.distribution.codename, title, ...rest }, env);
    complete?.(path.join(work, 'x'));
    renameSync(path.join(work, 'x'), folder);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Where the libraries of unpacked packages are; libpulse looks for one of its own at an absolute place, where it is not. */
export const libraryPath = (folder: string) =>
  ['usr/lib', 'lib']
    .flatMap((place) => ['', 'pulseaudio'].map((own) => path.join(folder, place, machines[process.arch] ?? '', own)))
    .join(':');
