import { freePort } from '@tollgate/engines';
import type { LauncherConfig } from '../config.ts';
import { refuseTakenPort } from './port-holder.ts';

export interface Ports {
  port: number;
  tlsPort: number;
  consolePort: number;
}

/** The ports that callers use: free ones where 0 was asked for. Throws when one is taken. */
export async function ownPorts(config: LauncherConfig): Promise<Ports> {
  const choose = async (port: number, variable: string) => {
    if (port === 0) return freePort();
    await refuseTakenPort(config.host, port, variable);
    return port;
  };
  return {
    port: await choose(config.port, 'TOLLGATE_PORT'),
    tlsPort: await choose(config.tlsPort, 'TOLLGATE_TLS_PORT'),
    consolePort: await choose(config.consolePort, 'TOLLGATE_CONSOLE_PORT'),
  };
}

/** The host to put into URLs for this machine: one cannot call "any address". */
export function reachableHost(host: string): string {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1';
  return host.includes(':') ? `[${host}]` : host;
}
