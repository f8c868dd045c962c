import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Config } from './config.ts';
import { loadAddon } from './engine/addon.ts';
import { Engine } from './engine/engine.ts';
import { createFace } from './http/server.ts';

/** Queries that still run this long after a stop was asked for are cancelled. */
const DRAIN_MS = 5_000;

export interface Service {
  /** http://host:port */
  address: string;
  /** Takes nothing new, finishes what runs (reads are cancelled after 5 s), gives the data folder back. */
  close(): Promise<void>;
}

/** @throws when chDB is missing, another process owns the data folder, or the port is taken */
export async function start(config: Config): Promise<Service> {
  const engine = open(config);
  const version = await engine
    .run(
      { sql: 'SELECT version()', format: 'TabSeparated', settings: new Map(), parameters: new Map() },
      new AbortController().signal,
    )
    .then(({ body }) => body.toString('utf8').trim());
  const server = createFace({ engine, credentials: config.credentials, version });
  const close = async () => {
    const closed = server.listening ? once(server, 'close') : undefined;
    server.close();
    await engine.close(DRAIN_MS);
    server.closeIdleConnections();
    const rest = setTimeout(() => server.closeAllConnections(), 1000);
    await closed;
    clearTimeout(rest);
  };
  try {
    server.listen(config.port, config.host);
    await once(server, 'listening');
  } catch (error) {
    await close();
    const reason = (error as NodeJS.ErrnoException).code === 'EADDRINUSE' ? 'the port is taken' : String(error);
    throw new Error(
      `Cannot listen on ${config.host}:${config.port}: ${reason}; TOLLGATE_CLICKHOUSE_DEV_PORT changes it`,
    );
  }
  const { port } = server.address() as AddressInfo;
  const host = config.host.includes(':') ? `[${config.host}]` : config.host;
  return { address: `http://${host}:${port}`, close };
}

function open(config: Config): Engine {
  const addon = loadAddon(config.chdbFolder);
  try {
    return new Engine(addon, config.dataFolder);
  } catch (error) {
    const owner = ownerOf(config.dataFolder);
    if (owner === undefined) throw error;
    const way = 'end that one, or name another folder in TOLLGATE_CLICKHOUSE_DEV_DATA';
    throw new Error(`${config.dataFolder} belongs to process ${owner}, which is running: ${way}`);
  }
}

/**
 * The process that has the folder open, from the engine's own file `status`. The engine holds a lock on that file and refuses a second
 * process, but says so on stderr only.
 */
function ownerOf(folder: string): number | undefined {
  try {
    const pid = Number(/^PID: (\d+)$/m.exec(readFileSync(join(folder, 'status'), 'utf8'))?.[1]);
    process.kill(pid, 0);
    return pid;
  } catch {
    return undefined;
  }
}
