import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { processesOf } from '@tollgate/testing/processes';
import { until } from './until.ts';

/** The names of what the launcher of `home` started, sorted. @throws where one of them does not run */
export async function started(home: string): Promise<string[]> {
  const folder = path.join(home, 'run');
  const running = new Set(processesOf(home).map(({ pid }) => pid));
  const files = (await readdir(folder)).filter((file) => file.endsWith('.pid'));
  for (const file of files) {
    const { pid } = JSON.parse(await readFile(path.join(folder, file), 'utf8')) as { pid: number };
    assert.ok(running.has(pid), `${file}: ${pid} is not among the processes of its home`);
  }
  return files.map((file) => path.basename(file, '.pid')).sort();
}

/** Resolves when no process of `home` runs any more: the kernel tells a parent about its children only, so all are asked for. */
export async function nobodyLeft(home: string): Promise<void> {
  await until('no process of this home', async () => processesOf(home).length === 0 || undefined).catch(
    (error: Error) => {
      const left = processesOf(home).map(({ pid, command }) => `${pid} ${command}`);
      throw new Error(`${error.message}; still there:\n${left.join('\n')}`);
    },
  );
}
