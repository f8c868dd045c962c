import type { ChildProcess } from 'node:child_process';
import path from 'node:path';
import { keptPassword } from './credentials.ts';
import { plainEnvironment } from './environment.ts';
import { repositoryFolder } from './host/cache-folder.mjs';
import { keptPort } from './ports.ts';
import { privateFolder } from './private-file.ts';
import { processEngine } from './process-engine.ts';
import { engineVersion } from './programs/chdb.ts';
import type { Engine, EngineContext } from './types.ts';

/** The user and the database of an engine that is started here. */
export const clickhouseUser = 'tollgate';
export const clickhouseDatabase = 'tollgate';

/** chDB from `chdbFolder`, served over ClickHouse's HTTP interface by infra/clickhouse-dev in a process of its own. */
export async function chdbEngine(
  context: EngineContext,
  chdbFolder: string,
  source: 'cache' | 'packages',
): Promise<Engine> {
  const { home, env } = context;
  const port = await keptPort(home, 'clickhouse');
  const password = keptPassword(home, 'clickhouse');
  return processEngine(context, {
    name: 'clickhouse',
    url: `http://${clickhouseUser}:${password}@127.0.0.1:${port}/${clickhouseDatabase}`,
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
        TOLLGATE_CLICKHOUSE_DEV_PORT: String(port),
        TOLLGATE_CLICKHOUSE_DEV_USER: clickhouseUser,
        TOLLGATE_CLICKHOUSE_DEV_PASSWORD: password,
        TOLLGATE_CHDB_PATH: chdbFolder,
      },
      // Its end is the channel's: the process closes its database and ends when this process is gone.
      ipc: true,
    }),
    waitReady: readyMessage,
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
