import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { isFree } from '@tollgate/engines';

/** Throws, naming the process that has it and the variable that changes it, when `port` of `host` is taken. */
export async function refuseTakenPort(host: string, port: number, variable: string): Promise<void> {
  if (await isFree(port, host)) return;
  const holder = portHolder(port);
  const who = holder ? `${holder.name} (process ${holder.pid})` : 'another process';
  throw new Error(`port ${port} is taken by ${who}: set ${variable} to another one.`);
}

interface Holder {
  pid: number;
  name: string;
}

/** The process that listens on a TCP port, where this user may see it. */
function portHolder(port: number): Holder | undefined {
  return process.platform === 'linux' ? fromProc(port) : fromLsof(port);
}

function fromProc(port: number): Holder | undefined {
  const inodes = new Set(['/proc/net/tcp', '/proc/net/tcp6'].flatMap((file) => listeningInodes(read(file), port)));
  if (inodes.size === 0) return undefined;
  for (const pid of list('/proc').filter((name) => /^\d+$/.test(name))) {
    for (const descriptor of list(`/proc/${pid}/fd`)) {
      const inode = /^socket:\[(\d+)\]$/.exec(link(`/proc/${pid}/fd/${descriptor}`))?.[1];
      if (inode && inodes.has(inode))
        return { pid: Number(pid), name: read(`/proc/${pid}/comm`).trim() || 'a program' };
    }
  }
  return undefined;
}

/** The sockets that listen on `port`, out of /proc/net/tcp: address in hexadecimal, state 0A, inode in the tenth field. */
export function listeningInodes(table: string, port: number): string[] {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return table
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local, , state]) => local?.endsWith(wanted) && state === '0A')
    .flatMap((fields) => (fields[9] ? [fields[9]] : []));
}

function fromLsof(port: number): Holder | undefined {
  try {
    const printed = execFileSync('lsof', ['-nP', `-iTCP:${port}`, '-sTCP:LISTEN', '-Fpc'], {
      encoding: 'utf8',
      stdio: 'pipe',
    });
    const pid = /^p(\d+)$/m.exec(printed)?.[1];
    return pid ? { pid: Number(pid), name: /^c(.+)$/m.exec(printed)?.[1] ?? 'a program' } : undefined;
  } catch {
    return undefined;
  }
}

// Processes come and go while they are looked at, and those of other users are closed to this one.
const read = (file: string) => attempt(() => readFileSync(file, 'utf8')) ?? '';
const list = (folder: string) => attempt(() => readdirSync(folder)) ?? [];
const link = (file: string) => attempt(() => readlinkSync(file)) ?? '';

function attempt<T>(task: () => T): T | undefined {
  try {
    return task();
  } catch {
    return undefined;
  }
}
