import { readFileSync } from 'node:fs';
import path from 'node:path';
import { referredFiles } from '@tollgate/config';

/** A configuration with the texts of the files that it names, by the names that it gives them. */
export interface ConfigurationText {
  text: string;
  files: Readonly<Record<string, string>>;
}

/**
 * Reads what a configuration names, so that it can be sent with it.
 * @param folder where the configuration stands: names are relative to it
 * @throws Error that names a file which cannot be read
 */
export function withFiles(text: string, folder: string): ConfigurationText {
  return { text, files: Object.fromEntries(referredFiles(text).map((name) => [name, read(name, folder)])) };
}

function read(name: string, folder: string): string {
  const file = path.resolve(folder, name);
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new Error(`priceList.file: ${file} cannot be read: ${(error as Error).message}`);
  }
}
