import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';

const abandonedAfterMs = 24 * 3600 * 1000;

/**
 * A new folder in the cache folder to fetch into; it becomes the real one by renaming, so a half-fetched engine is never
 * found. Removes those that an earlier, killed fetch left behind a day ago or longer.
 */
export function workFolder(cache: string, name: string): string {
  for (const entry of readdirSync(cache).filter((candidate) => candidate.startsWith('partial-'))) {
    const folder = path.join(cache, entry);
    const age = Date.now() - (statSync(folder, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
    if (age > abandonedAfterMs) rmSync(folder, { recursive: true, force: true });
  }
  return mkdtempSync(path.join(cache, `partial-${name}-`));
}
