import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';

export interface Workspace {
  /** Relative to the root, with slashes. */
  folder: string;
  name: string;
  scripts: Record<string, string>;
  dependencies: Record<string, string>;
  devDependencies: Record<string, string>;
}

export const root = path.resolve(import.meta.dirname, '../..');

export function workspaces(): Workspace[] {
  const { workspaces: patterns } = read('package.json') as { workspaces: string[] };
  const files = patterns.flatMap((pattern) => globSync(`${pattern}/package.json`, { cwd: root })).sort();
  return files.map((file) => {
    const { name, scripts = {}, dependencies = {}, devDependencies = {} } = read(file) as unknown as Workspace;
    return { folder: path.dirname(file), name, scripts, dependencies, devDependencies };
  });
}

function read(file: string): Record<string, unknown> {
  return JSON.parse(readFileSync(path.join(root, file), 'utf8')) as Record<string, unknown>;
}
