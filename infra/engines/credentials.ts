import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { writePrivateFile } from './private-file.ts';

const passwordBytes = 24;

/**
 * The generated password for `name` in this installation, made at its first use and kept in the home folder (0600), so
 * that engines and services of a later start agree. URL-safe: it stands in URLs as it is.
 */
export function keptPassword(home: string, name: string): string {
  const file = path.join(home, 'credentials.json');
  const known = read(file);
  const found = known[name];
  if (found !== undefined) return found;
  const made = randomBytes(passwordBytes).toString('base64url');
  writePrivateFile(file, `${JSON.stringify({ ...known, [name]: made }, null, 2)}\n`);
  return made;
}

function read(file: string): Record<string, string> {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw new Error(`${file} cannot be read: ${(error as Error).message}`);
  }
}
