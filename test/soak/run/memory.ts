import { readFile } from 'node:fs/promises';
import type { System } from '@tollgate/testing/system';

/** Resident memory in MiB of every process; a figure that cannot be read is left out. */
export async function memoryMib(system: System): Promise<Record<string, number>> {
  const { services, engines } = await system.status();
  return residentOf([...services, ...engines]);
}

/** The same of the services alone. */
export async function serviceMib(system: System): Promise<Record<string, number>> {
  return residentOf((await system.status()).services);
}

async function residentOf(processes: readonly { name: string; pid: number | null }[]): Promise<Record<string, number>> {
  const all = await Promise.all(processes.map(async ({ name, pid }) => [name, await residentMib(pid)] as const));
  return Object.fromEntries(all.filter((entry): entry is [string, number] => entry[1] !== undefined));
}

/** Linux only: elsewhere there is nothing to read. */
async function residentMib(pid: number | null): Promise<number | undefined> {
  const status = pid ? await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '') : '';
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
  return kib === undefined ? undefined : Math.round(Number(kib) / 1024);
}
