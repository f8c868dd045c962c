import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { DebianPackage } from './print-uris.ts';

export interface UnpackedProgram {
  /** Relative to the folder; the last part is the program itself. */
  command: string[];
  version: string;
  /** Of the program's file. */
  sha256: string;
}

/** What a fetched folder holds: the exact packages with the checksums their distribution signed. */
export interface Manifest {
  suite: string;
  mirror: string;
  packages: DebianPackage[];
  programs: { nats: UnpackedProgram; redis: UnpackedProgram };
}

/** Reads the manifest of a fetched folder, and checks that the programs are still what was fetched. */
export function readManifest(folder: string): Manifest | undefined {
  let manifest: Manifest;
  try {
    manifest = JSON.parse(readFileSync(path.join(folder, 'manifest.json'), 'utf8')) as Manifest;
  } catch {
    return undefined;
  }
  const intact = Object.values(manifest.programs).every(
    (program) => fileSha256(path.join(folder, program.command.at(-1) ?? '')) === program.sha256,
  );
  return intact ? manifest : undefined;
}

/** Undefined when there is no such file. */
export function fileSha256(file: string): string | undefined {
  try {
    return createHash('sha256').update(readFileSync(file)).digest('hex');
  } catch {
    return undefined;
  }
}
