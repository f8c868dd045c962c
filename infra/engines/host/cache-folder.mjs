import { accessSync, constants, mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder that holds package.json of the whole repository. */
export const repositoryFolder = path.resolve(fileURLToPath(import.meta.url), '../../../..');

/**
 * Where fetched things are kept (Node, engines): `TOLLGATE_CACHE`, else `$XDG_CACHE_HOME/tollgate`, else
 * `~/.cache/tollgate`; where none of these can be written, `.cache` in the repository.
 */
export function cacheFolder(env = process.env) {
  if (env.TOLLGATE_CACHE) {
    const folder = path.resolve(env.TOLLGATE_CACHE);
    if (!usable(folder)) throw new Error(`TOLLGATE_CACHE=${folder} cannot be written: name another folder.`);
    return folder;
  }
  const candidates = [path.join(repositoryFolder, '.cache')];
  const home = env.HOME || homedir();
  if (home) candidates.unshift(path.join(home, '.cache', 'tollgate'));
  if (env.XDG_CACHE_HOME) candidates.unshift(path.join(env.XDG_CACHE_HOME, 'tollgate'));
  const found = candidates.find(usable);
  if (!found)
    throw new Error(`No folder for fetched files can be written (${candidates.join(', ')}): set TOLLGATE_CACHE.`);
  return found;
}

function usable(folder) {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    accessSync(folder, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
