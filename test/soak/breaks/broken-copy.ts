import { execFileSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, readlink, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Break } from './breaks.ts';

export interface BrokenCopy {
  root: string;
  remove(): Promise<void>;
}

/**
 * The repository as it stands, with one fault in it, in a folder of its own.
 * @throws Error when the fault's text does not stand in its file exactly once
 */
export async function brokenCopy(root: string, { file, find, replace }: Break): Promise<BrokenCopy> {
  const copy = await mkdtemp(path.join(tmpdir(), 'tollgate-broken-'));
  const tracked = execFileSync('git', ['ls-files', '-z'], { cwd: root, encoding: 'utf8' }).split('\0');
  for (const name of tracked.filter((one) => one !== ''))
    await cp(path.join(root, name), path.join(copy, name), { recursive: true });
  await cp(path.join(root, 'apps/web/dist'), path.join(copy, 'apps/web/dist'), { recursive: true });
  await linkModules(path.join(root, 'node_modules'), path.join(copy, 'node_modules'));
  await writeFile(
    path.join(copy, file),
    broken(await readFile(path.join(root, file), 'utf8'), { file, find, replace }),
  );
  return { root: copy, remove: () => rm(copy, { recursive: true, force: true }) };
}

/** @throws Error when the fault's text does not stand in it exactly once */
export function broken(source: string, { file, find, replace }: Pick<Break, 'file' | 'find' | 'replace'>): string {
  const [before = '', after, ...more] = source.split(find);
  if (after === undefined || more.length > 0) throw new Error(`${file} has not once: ${find}`);
  return `${before}${replace}${after}`;
}

/** Libraries are shared; workspaces, which are links into the repository, must lead into the copy. */
async function linkModules(from: string, to: string): Promise<void> {
  await mkdir(path.join(to, '@tollgate'), { recursive: true });
  for (const name of await readdir(from)) {
    if (name !== '@tollgate') await symlink(path.join(from, name), path.join(to, name));
  }
  for (const name of await readdir(path.join(from, '@tollgate')))
    await symlink(await readlink(path.join(from, '@tollgate', name)), path.join(to, '@tollgate', name));
}
