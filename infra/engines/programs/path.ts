import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { compareVersions } from '../versions.ts';
import type { BinaryProgram } from './program.ts';

const run = promisify(execFile);
const timeoutMs = 5_000;

export interface PathQuery {
  binary: string;
  args: readonly string[];
  /** The version in what the program prints; undefined when it is another program of that name. */
  version: (printed: string) => string | undefined;
  versionMin: string;
}

/** The program on PATH, when there is one of a sufficient version. */
export async function findOnPath(query: PathQuery, env: NodeJS.ProcessEnv): Promise<BinaryProgram | undefined> {
  try {
    const { stdout, stderr } = await run(query.binary, [...query.args], { env, timeout: timeoutMs });
    const version = query.version(stdout + stderr);
    if (version === undefined || compareVersions(version, query.versionMin) < 0) return undefined;
    return { kind: 'binary', command: [query.binary], version, source: 'path' };
  } catch {
    // Not there, not for this machine, or not able to say its version: the search goes on.
    return undefined;
  }
}
