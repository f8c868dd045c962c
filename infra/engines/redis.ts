import path from 'node:path';
import { keptPassword } from './credentials.ts';
import { plainEnvironment } from './environment.ts';
import { externalRedis } from './external.ts';
import { keptPort } from './ports.ts';
import { privateFolder, writePrivateFile } from './private-file.ts';
import { probeRedis } from './probes/redis.ts';
import { until } from './probes/until.ts';
import { dieWithParent } from './process/die-with-parent.ts';
import { processEngine } from './process-engine.ts';
import { containerCommand } from './programs/docker.ts';
import { findProgram } from './programs/find.ts';
import { redisConfiguration } from './redis-configuration.ts';
import type { Engine, EngineContext } from './types.ts';

const folderInside = '/tollgate';
const portInside = 6379;

/**
 * One of the two Redis servers, on its own private port and folder. Not started yet. TOLLGATE_REDIS_URL and
 * TOLLGATE_CACHE_REDIS_URL name others instead.
 * @param settings further lines of redis.conf
 */
export async function redisEngine(
  context: EngineContext,
  name: 'redis' | 'cacheRedis',
  settings: readonly string[] = [],
): Promise<Engine> {
  const { home, cache, env } = context;
  const named = name === 'redis' ? env.TOLLGATE_REDIS_URL : env.TOLLGATE_CACHE_REDIS_URL;
  if (named) return externalRedis(name, named);
  const program = await findProgram('redis', cache, env);
  const port = await keptPort(home, name);
  const password = keptPassword(home, name);
  const folder = privateFolder(home, name);
  const inContainer = program.kind === 'docker';
  const configure = () => {
    privateFolder(folder, 'data');
    const place = inContainer
      ? { bind: '0.0.0.0', port: portInside, folder: folderInside }
      : { bind: '127.0.0.1', port, folder };
    const text = redisConfiguration(name, { ...place, password });
    writePrivateFile(path.join(folder, 'redis.conf'), text + settings.map((line) => `${line}\n`).join(''));
  };
  const command = () =>
    inContainer
      ? containerCommand({
          ...{ home, name, image: program.image, port, portInside, folder, folderInside },
          // The image's own gives root's rights away, and with them the right to read what is root's only.
          entrypoint: 'sh',
          args: ['-c', 'umask 077 && exec redis-server "$0"', `${folderInside}/redis.conf`],
        })
      : [...program.command, path.join(folder, 'redis.conf')];
  return processEngine(context, {
    name,
    url: `redis://default:${password}@127.0.0.1:${port}`,
    version: program.version,
    source: program.source,
    plan: () => {
      configure();
      return { command: dieWithParent(command()), env: plainEnvironment(env), cwd: folder };
    },
    waitReady: (_child, signal) =>
      until(() => probeRedis({ host: '127.0.0.1', port, password }), signal).then(() => {}),
  });
}
