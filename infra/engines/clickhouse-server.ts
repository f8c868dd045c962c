import { createHash } from 'node:crypto';
import path from 'node:path';
import { clickhouseServerConfiguration } from './clickhouse-configuration.ts';
import { clickhousePlace, makeDatabase } from './clickhouse-place.ts';
import { plainEnvironment } from './environment.ts';
import { privateFolder, writePrivateFile } from './private-file.ts';
import { until } from './probes/until.ts';
import { dieWithParent } from './process/die-with-parent.ts';
import { processEngine } from './process-engine.ts';
import { containerCommand } from './programs/docker.ts';
import { findOnPath } from './programs/path.ts';
import type { BinaryProgram, Program } from './programs/program.ts';
import type { Engine, EngineContext } from './types.ts';
import { versionIn, versionMin } from './versions.ts';

const pingTimeoutMs = 1_000;
const dataInside = '/var/lib/clickhouse';
const portInside = 8123;

/** A `clickhouse` on PATH that is new enough. */
export function findClickHouseServer(env: NodeJS.ProcessEnv): Promise<BinaryProgram | undefined> {
  return findOnPath(
    { binary: 'clickhouse', args: ['server', '--version'], version: versionIn, versionMin: versionMin.clickhouse },
    env,
  );
}

/** A real ClickHouse server, as a process or a container, with its HTTP interface on a private port only. */
export async function clickhouseServerEngine(context: EngineContext, program: Program): Promise<Engine> {
  const { home, env } = context;
  const place = await clickhousePlace(home);
  const { port, user, password, database } = place;
  const folder = privateFolder(home, 'clickhouse', 'server');
  const configure = () => {
    const passwordSha256 = createHash('sha256').update(password).digest('hex');
    const text = clickhouseServerConfiguration({
      folder,
      port,
      user,
      passwordSha256,
      database,
    });
    writePrivateFile(path.join(folder, 'config.xml'), text);
  };
  const command = () => {
    if (program.kind === 'docker') {
      const container = {
        home,
        name: 'clickhouse',
        image: program.image,
        port,
        portInside,
        folder,
        folderInside: dataInside,
      };
      return containerCommand({
        ...container,
        passEnv: ['CLICKHOUSE_USER', 'CLICKHOUSE_PASSWORD', 'CLICKHOUSE_DB'],
        args: [],
      });
    }
    configure();
    return [...program.command, 'server', `--config-file=${path.join(folder, 'config.xml')}`];
  };
  return processEngine(context, {
    name: 'clickhouse',
    url: place.url,
    version: program.version,
    source: program.source,
    plan: () => ({
      command: dieWithParent(command()),
      cwd: folder,
      env: {
        ...plainEnvironment(env),
        CLICKHOUSE_USER: user,
        CLICKHOUSE_PASSWORD: password,
        CLICKHOUSE_DB: database,
        // Its watchdog would be a second process, and only the first one ends with this one.
        CLICKHOUSE_WATCHDOG_ENABLE: '0',
      },
    }),
    waitReady: async (_child, signal) => {
      await until(() => ping(port), signal);
      await makeDatabase(place);
    },
  });
}

async function ping(port: number): Promise<void> {
  const answer = await fetch(`http://127.0.0.1:${port}/ping`, { signal: AbortSignal.timeout(pingTimeoutMs) });
  if (!answer.ok) throw new Error(`ClickHouse answers ${answer.status}`);
}
