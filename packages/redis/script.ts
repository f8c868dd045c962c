import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** A Lua script that the store runs as one step. */
export interface Script {
  name: string;
  lua: string;
  /** SHA-1, by which EVALSHA names it. */
  sha: string;
}

/** Reads a script that lies beside the module that runs it. */
export function loadScript(file: URL): Script {
  const lua = readFileSync(file, 'utf8');
  const name = file.pathname.slice(file.pathname.lastIndexOf('/') + 1).replace(/\.lua$/, '');
  return { name, lua, sha: createHash('sha1').update(lua).digest('hex') };
}
