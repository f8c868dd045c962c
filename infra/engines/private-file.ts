import { chmodSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** A folder that only its owner may enter (0700), made with its parents where missing. Returns its path. */
export function privateFolder(...parts: string[]): string {
  const folder = path.join(...parts);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  chmodSync(folder, 0o700);
  return folder;
}

/** Writes a file that only its owner may read (0600), whole or not at all. */
export function writePrivateFile(file: string, text: string): void {
  privateFolder(path.dirname(file));
  const work = `${file}.${process.pid}.new`;
  writeFileSync(work, text, { mode: 0o600 });
  renameSync(work, file);
}
