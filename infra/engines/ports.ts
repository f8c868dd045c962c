import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { writePrivateFile } from './private-file.ts';

export type PortName = 'nats' | 'redis' | 'cacheRedis' | 'clickhouse' | 'simulator';

/**
 * The port that this installation uses for `name`: the one it used before while that is free, else a free one that the
 * system picks, which is then kept in the home folder so that addresses survive restarts.
 */
export async function keptPort(home: string, name: PortName): Promise<number> {
  const file = path.join(home, 'ports.json');
  const before = readPorts(file)[name];
  if (before !== undefined && (await isFree(before))) return before;
  const port = await freePort();
  // Read again: another engine may have written its own while this one waited.
  writePrivateFile(file, `${JSON.stringify({ ...readPorts(file), [name]: port }, null, 2)}\n`);
  return port;
}

/** Whether this process could listen on the port of the loopback address right now. */
export async function isFree(port: number, host = '127.0.0.1'): Promise<boolean> {
  return (await listenOnce(port, host)) !== undefined;
}

/** Below it are the ports of well-known services. */
const lowestPort = 10_000;
const triesMax = 50;

/**
 * A port of the loopback address that nobody listens on, outside of those that the system gives to outgoing connections:
 * one of them would be taken by any connection that begins before it is listened on, or while its server restarts.
 */
export async function freePort(): Promise<number> {
  const end = firstOutgoingPort();
  for (let tries = 0; tries < triesMax && end > lowestPort; tries++) {
    const port = randomInt(lowestPort, end);
    if (await isFree(port)) return port;
  }
  const port = await listenOnce(0, '127.0.0.1');
  if (port === undefined) throw new Error('The system gives no free port on 127.0.0.1.');
  return port;
}

/** Linux says where its range begins (ip(7)); elsewhere the range that IANA keeps for it (RFC 6335). */
function firstOutgoingPort(): number {
  try {
    return Number.parseInt(readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8'), 10);
  } catch {
    return 49_152;
  }
}

function listenOnce(port: number, host: string): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen({ port, host, exclusive: true }, () => {
      const address = server.address();
      const found = typeof address === 'object' && address !== null ? address.port : undefined;
      server.close(() => resolve(found));
    });
  });
}

function readPorts(file: string): Partial<Record<PortName, number>> {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Partial<Record<PortName, number>>;
  } catch {
    return {};
  }
}
