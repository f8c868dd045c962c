import { existsSync } from 'node:fs';
import path from 'node:path';
import { chdbEngine } from './clickhouse-chdb.ts';
import { clickhouseServerEngine, findClickHouseServer } from './clickhouse-server.ts';
import { externalClickHouse } from './external.ts';
import { cachedChdb, fetchChdb } from './programs/chdb.ts';
import { dockerAnswers, pullImage } from './programs/docker.ts';
import type { Engine, EngineContext } from './types.ts';

const image = 'clickhouse/clickhouse-server:25.8';

/**
 * The ledger's engine: named by TOLLGATE_CLICKHOUSE_URL, a `clickhouse` on PATH, chDB behind its HTTP face (fetched when
 * missing), or Docker. Not started yet. A home folder whose ledger was written by chDB stays with it: the two keep their
 * files apart, and a ledger must not seem lost because somebody installed a server.
 */
export async function clickhouseEngine(context: EngineContext): Promise<Engine> {
  const { home, cache, env } = context;
  if (env.TOLLGATE_CLICKHOUSE_URL) return externalClickHouse(env.TOLLGATE_CLICKHOUSE_URL);
  const writtenByChdb = existsSync(path.join(home, 'clickhouse', 'chdb'));
  const server = writtenByChdb ? undefined : await findClickHouseServer(env);
  if (server) return clickhouseServerEngine(context, server);
  const cached = cachedChdb(cache);
  if (cached) return chdbEngine(context, cached, 'cache');
  let fault = '';
  try {
    const fetched = await fetchChdb(cache);
    if (fetched) return chdbEngine(context, fetched, 'packages');
  } catch (error) {
    fault = `\n${(error as Error).message}`;
  }
  if (await dockerAnswers(env)) {
    await pullImage(image, env);
    return clickhouseServerEngine(context, { kind: 'docker', source: 'docker', image, version: '25.8' });
  }
  throw new Error(
    `no ClickHouse was found, and chDB could not be fetched for ${process.platform} ${process.arch}.\n` +
      `  Set HTTPS_PROXY, or unpack a bundle (a copy of this folder from another machine) into ${cache},\n` +
      `  or name a running one: TOLLGATE_CLICKHOUSE_URL=http://user:password@host:8123/database${fault}`,
  );
}
