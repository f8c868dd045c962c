import { readdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { writePrivateFile } from '../private-file.ts';
import { processIdentity } from './identity.ts';

const pollMs = 25;
const orderlyMsMax = 5_000;
const killedMsMax = 2_000;

interface Entry {
  pid: number;
  identity: string;
}

/** Notes that `pid` runs as `name` for the installation in `home`. */
export function writePidFile(home: string, name: string, pid: number): void {
  const identity = processIdentity(pid);
  if (identity) writePrivateFile(pidFile(home, name), JSON.stringify({ pid, identity } satisfies Entry));
}

export function removePidFile(home: string, name: string): void {
  rmSync(pidFile(home, name), { force: true });
}

/**
 * Ends what an earlier start in `home` left running (its launcher was killed): by SIGTERM, after 5 s by SIGKILL.
 * Returns what it ended. A pid that meanwhile belongs to another process is left alone.
 */
export async function endLeftovers(home: string): Promise<{ name: string; pid: number }[]> {
  const found = leftovers(home);
  await Promise.all(found.map(({ pid, identity }) => endProcess(pid, identity)));
  return found.map(({ name, pid }) => ({ name, pid }));
}

function leftovers(home: string): (Entry & { name: string })[] {
  const folder = path.join(home, 'run');
  const found: (Entry & { name: string })[] = [];
  for (const file of listFolder(folder)) {
    if (!file.endsWith('.pid')) continue;
    const entry = readEntry(path.join(folder, file));
    if (entry && processIdentity(entry.pid) === entry.identity)
      found.push({ ...entry, name: file.slice(0, -'.pid'.length) });
    else rmSync(path.join(folder, file), { force: true });
  }
  return found;
}

async function endProcess(pid: number, identity: string): Promise<void> {
  for (const [signal, waitMsMax] of [
    ['SIGTERM', orderlyMsMax],
    ['SIGKILL', killedMsMax],
  ] as const) {
    try {
      process.kill(pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ESRCH') return;
      throw error;
    }
    const deadline = Date.now() + waitMsMax;
    while (Date.now() < deadline) {
      if (processIdentity(pid) !== identity) return;
      await wait(pollMs);
    }
  }
  throw new Error(`Process ${pid} of an earlier start does not end, not even by SIGKILL: end it by hand.`);
}

function readEntry(file: string): Entry | undefined {
  try {
    const { pid, identity } = JSON.parse(readFileSync(file, 'utf8')) as Partial<Entry>;
    return Number.isInteger(pid) && typeof identity === 'string' ? { pid: pid as number, identity } : undefined;
  } catch {
    return undefined;
  }
}

function listFolder(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

const pidFile = (home: string, name: string) => path.join(home, 'run', `${name}.pid`);
