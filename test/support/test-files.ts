import { globSync } from 'node:fs';
import path from 'node:path';

const testFolder = path.resolve(import.meta.dirname, '..');

/** The tests of a folder below test/, in a fixed order. */
export function testFiles(folder: 'e2e' | 'compat' | 'failure' | 'long'): string[] {
  const files = globSync(`${folder}/*.test.ts`, { cwd: testFolder }).sort();
  return files.map((file) => path.join(testFolder, file));
}
