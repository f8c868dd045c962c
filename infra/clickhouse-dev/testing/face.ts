import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ClickHouseClient, ClickHouseLogLevel, createClient } from '@clickhouse/client';
import { cacheFolder, fetchChdb } from '@tollgate/engines';

/** Fetched once into the launcher's cache where TOLLGATE_CHDB_PATH names none. */
const chdbFolder = process.env.TOLLGATE_CHDB_PATH ?? (await fetchChdb(cacheFolder()).catch(() => undefined)) ?? '';

/** Option of `describe`: a reason where the engine cannot be had, else false. Said loudly, for a skipped contract proves nothing. */
export const withoutEngine: string | false = existsSync(join(chdbFolder, 'node_modules', 'chdb'))
  ? false
  : `NOT TESTED: chDB can neither be fetched nor is it in TOLLGATE_CHDB_PATH ('${chdbFolder}')`;
if (withoutEngine) process.stderr.write(`\n##### ${withoutEngine} #####\n\n`);

export const PASSWORD = 'open-sesame';

export interface Face {
  address: string;
  child: ChildProcess;
  dataFolder: string;
  client(options?: Parameters<typeof createClient>[0]): ClickHouseClient;
  /** A bare request with the right credentials. */
  request(path: string, init?: RequestInit): Promise<Response>;
  /** Ends the process and removes its data. */
  stop(): Promise<void>;
}

export async function startFace(dataFolder?: string): Promise<Face> {
  const folder = dataFolder ?? (await mkdtemp(join(tmpdir(), 'tollgate-clickhouse-')));
  const child = forkFace({ TOLLGATE_CLICKHOUSE_DEV_DATA: folder });
  const address = await Promise.race([
    once(child, 'message').then(([message]) => (message as { address: string }).address),
    once(child, 'exit').then(([code]) => {
      throw new Error(`the face ended with ${code}: ${stderrOf(child)}`);
    }),
  ]);
  const clients: ClickHouseClient[] = [];
  return {
    address,
    child,
    dataFolder: folder,
    client(options = {}) {
      const log = { level: ClickHouseLogLevel.OFF };
      const client = createClient({ url: address, username: 'default', password: PASSWORD, log, ...options });
      clients.push(client);
      return client;
    },
    request: (path, init = {}) =>
      fetch(`${address}${path}`, {
        ...init,
        headers: { 'X-ClickHouse-User': 'default', 'X-ClickHouse-Key': PASSWORD, ...init.headers },
      }),
    async stop() {
      await Promise.all(clients.map((client) => client.close()));
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGKILL');
        await once(child, 'exit');
      }
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const texts = new WeakMap<ChildProcess, string[]>();

export function forkFace(environment: Record<string, string>): ChildProcess {
  const child = fork(new URL('../main.ts', import.meta.url), {
    env: {
      PATH: process.env.PATH,
      NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
      TOLLGATE_CHDB_PATH: chdbFolder,
      TOLLGATE_CLICKHOUSE_DEV_PASSWORD: PASSWORD,
      ...environment,
    },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  const lines: string[] = [];
  texts.set(child, lines);
  child.stderr?.setEncoding('utf8').on('data', (text: string) => lines.push(text));
  return child;
}

export function stderrOf(child: ChildProcess): string {
  return texts.get(child)?.join('') ?? '';
}
