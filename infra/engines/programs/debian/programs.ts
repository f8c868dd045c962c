import type { BinaryProgram } from '../program.ts';
import { absoluteCommand, cachedDebianEngines, type DebianEngines, fetchDebianEngines } from './fetch.ts';

/** A program out of what was fetched before, in this cache folder. */
export function cachedDebianProgram(name: 'nats' | 'redis', cache: string): BinaryProgram | undefined {
  const found = cachedDebianEngines(cache);
  return found && programOf(name, found, 'cache');
}

/** The same, fetched now. Both programs come in one download; whoever asks second finds it done. */
export async function fetchDebianProgram(
  name: 'nats' | 'redis',
  cache: string,
  env: NodeJS.ProcessEnv,
): Promise<BinaryProgram | undefined> {
  const found = await fetchDebianEngines(cache, env);
  return found && programOf(name, found, 'packages');
}

function programOf(
  name: 'nats' | 'redis',
  { folder, manifest }: DebianEngines,
  source: 'cache' | 'packages',
): BinaryProgram {
  const { command, version } = manifest.programs[name];
  return { kind: 'binary', command: absoluteCommand(folder, command), version, source };
}
