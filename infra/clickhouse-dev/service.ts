import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { Config } from './config.ts';
import { loadAddon } from './engine/addon.ts';
import { Engine } from './engine/engine.ts';
import { EngineException } from './engine/exception.ts';
import { createFace } from './http/server.ts';

/** Queries that still run this long after a stop was asked for are cancelled. */
const DRAIN_MS = 10_000;

export interface Service {
  /** http://host:port */
  address: string;
  /** Takes nothing new, finishes what runs (reads are cancelled after 10 s), gives the data folder back. */
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
    const { message } = EngineException.from(error);
    if (!message.includes('Cannot lock file')) throw error;
    throw new Error(
      `${config.dataFolder} belongs to another running process; TOLLGATE_CLICKHOUSE_DEV_DATA names the folder`,
    );
  }
}
