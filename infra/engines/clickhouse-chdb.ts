import type { ChildProcess } from 'node:child_process';
import path from 'node:path';
import { clickhousePlace, makeDatabase } from './clickhouse-place.ts';
import { plainEnvironment } from './environment.ts';
import { repositoryFolder } from './host/cache-folder.mjs';
import { privateFolder } from './private-file.ts';
import { processEngine } from './process-engine.ts';
import { engineVersion } from './programs/chdb.ts';
import type { Engine, EngineContext } from './types.ts';

/** chDB from `chdbFolder`, served over ClickHouse's HTTP interface by infra/clickhouse-dev in a process of its own. */
export async function chdbEngine(
  context: EngineContext,
  chdbFolder: string,
  source: 'cache' | 'packages',
): Promise<Engine> {
  const { home, env } = context;
  const place = await clickhousePlace(home);
  return processEngine(context, {
    name: 'clickhouse',
    url: place.url,
    version: engineVersion,
    source,
    plan: () => ({
      command: [
        process.execPath,
        '--disable-warning=ExperimentalWarning',
        path.join(repositoryFolder, 'infra/clickhouse-dev/main.ts'),
      ],
      env: {
        ...plainEnvironment(env),
        TOLLGATE_CLICKHOUSE_DEV_DATA: privateFolder(home, 'clickhouse', 'chdb'),
        TOLLGATE_CLICKHOUSE_DEV_PORT: String(place.port),
        TOLLGATE_CLICKHOUSE_DEV_USER: place.user,
        TOLLGATE_CLICKHOUSE_DEV_PASSWORD: place.password,
        TOLLGATE_CHDB_PATH: chdbFolder,
      },
      // Its end is the channel's: the process closes its database and ends when this process is gone.
      ipc: true,
    }),
    waitReady: async (child, signal) => {
      await readyMessage(child, signal);
      await makeDatabase(place);
    },
  });
}

function readyMessage(child: ChildProcess, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const listen = (message: unknown) => {
      if ((message as { type?: unknown } | null)?.type === 'ready') resolve();
    };
    child.on('message', listen);
    signal.addEventListener('abort', () => child.off('message', listen), { once: true });
  });
}
