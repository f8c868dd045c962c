import { compareVersions, versionIn, versionMin } from '../versions.ts';
import { cachedDebianProgram, fetchDebianProgram } from './debian/programs.ts';
import { dockerAnswers, pullImage } from './docker.ts';
import { findOnPath, type PathQuery } from './path.ts';
import type { Program } from './program.ts';

const queries: Readonly<Record<'nats' | 'redis', PathQuery>> = {
  nats: {
    binary: 'nats-server',
    args: ['--version'],
    version: (printed) => (printed.includes('nats-server') ? versionIn(printed) : undefined),
    versionMin: versionMin.nats,
  },
  redis: {
    binary: 'redis-server',
    args: ['--version'],
    // Valkey answers to this name on some systems, and has no vector sets.
    version: (printed) => (printed.startsWith('Redis server') ? versionIn(printed) : undefined),
    versionMin: versionMin.redis,
  },
};

const images = { nats: { image: 'nats:2', version: '2' }, redis: { image: 'redis:8', version: '8' } } as const;
const titles = { nats: 'NATS', redis: 'Redis' } as const;
const variables = { nats: 'TOLLGATE_NATS_URL', redis: 'TOLLGATE_REDIS_URL and TOLLGATE_CACHE_REDIS_URL' } as const;

/**
 * The program of an engine, from the first place that has one new enough: PATH, the cache folder, the system's packages,
 * Docker. Throws with what to install when there is none.
 */
export async function findProgram(name: 'nats' | 'redis', cache: string, env: NodeJS.ProcessEnv): Promise<Program> {
  const near = (await findOnPath(queries[name], env)) ?? cachedDebianProgram(name, cache);
  if (near && compareVersions(near.version, versionMin[name]) >= 0) return near;
  let fault = '';
  try {
    const fetched = await fetchDebianProgram(name, cache, env);
    if (fetched) return fetched;
  } catch (error) {
    fault = `\n${(error as Error).message}`;
  }
  if (await dockerAnswers(env)) {
    await pullImage(images[name].image, env);
    return { kind: 'docker', source: 'docker', ...images[name] };
  }
  throw new Error(missingEngineText(name, cache) + fault);
}

/** What to do where an engine can neither be found nor fetched. */
export function missingEngineText(name: 'nats' | 'redis', cache: string): string {
  return [
    `no ${titles[name]} ≥ ${versionMin[name]} was found, and none could be fetched.`,
    '  macOS:            brew install redis nats-server',
    '  Debian, Ubuntu:   let this machine reach its package mirror (HTTP_PROXY where there is a proxy),',
    `                    or unpack a bundle (a copy of this folder from another machine) into ${cache}`,
    '  Windows, Alpine:  docker compose up',
    `  or name a running one: ${variables[name]}`,
  ].join('\n');
}
