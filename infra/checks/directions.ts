import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { root, type Workspace, workspaces } from './workspace-list.ts';

/**
 * Who may depend on whom (ARCHITECTURE.md): each floor on those below it, a service never on a service. Together with
 * `turbo boundaries`, which refuses imports that are not declared, this holds the directions.
 */
const floors: Record<string, readonly string[]> = {
  contracts: [],
  errors: ['contracts'],
  config: ['contracts', 'errors'],
  telemetry: [],
  redis: ['config', 'errors', 'telemetry'],
  bus: ['config', 'contracts', 'errors', 'telemetry'],
  guard: ['config', 'contracts', 'errors', 'telemetry'],
  ledger: ['config', 'contracts', 'errors', 'telemetry'],
  lifecycle: ['config', 'errors', 'telemetry'],
};
const forServices = Object.keys(floors);

/** What each kind of folder may use of this repository. */
function allowed({ folder, name }: Workspace): readonly string[] {
  const own = name.replace('@tollgate/', '');
  if (folder.startsWith('packages/') && own !== 'testing') return floors[own] ?? [];
  if (folder.startsWith('services/')) return forServices;
  if (folder === 'apps/web') return [];
  // Launcher, engines, checks, benchmarks and tests stand outside of the product and may start all of it.
  return [...forServices, 'engines', 'launcher', 'testing', 'clickhouse-dev'];
}

export function violations(all: readonly Workspace[]): string[] {
  return all.flatMap((workspace) => {
    const may = allowed(workspace);
    const forbidden = (names: object, also: readonly string[] = []) =>
      Object.keys(names).filter(
        (name) => name.startsWith('@tollgate/') && ![...may, ...also].includes(name.replace('@tollgate/', '')),
      );
    // Tests beside the code may start real engines.
    const found = [...forbidden(workspace.dependencies), ...forbidden(workspace.devDependencies, ['testing'])];
    return found.map(
      (name) => `${workspace.folder} must not depend on ${name}; it may use: ${may.join(', ') || 'nothing'}`,
    );
  });
}

/** Files that run in production and import the test tools all the same. */
function testToolsInProduction(): string[] {
  const files = globSync('{packages,services}/**/*.ts', { cwd: root });
  return files
    .filter((file) => !/node_modules|^packages.testing|\.test\.ts$|\/test(ing|data)?\//.test(file))
    .filter((file) => readFileSync(path.join(root, file), 'utf8').includes("from '@tollgate/testing"))
    .map((file) => `${file} imports @tollgate/testing, which is for tests only`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const found = [...violations(workspaces()), ...testToolsInProduction()];
  for (const line of found) console.error(line);
  process.exit(found.length === 0 ? 0 : 1);
}
