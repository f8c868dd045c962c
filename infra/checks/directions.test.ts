import assert from 'node:assert/strict';
import { test } from 'node:test';
import { violations } from './directions.ts';
import { workspaces } from './workspace-list.ts';

const workspace = (folder: string, ...dependencies: string[]) => ({
  folder,
  name: `@tollgate/${folder.split('/')[1]}`,
  scripts: {},
  devDependencies: {},
  dependencies: Object.fromEntries(dependencies.map((name) => [`@tollgate/${name}`, '0.1.0'])),
});

test('the repository keeps its directions', () => {
  assert.ok(workspaces().length > 20);
  assert.deepEqual(violations(workspaces()), []);
});

for (const [folder, dependency] of [
  ['services/ingress', 'upstream'],
  ['services/ingress', 'testing'],
  ['packages/errors', 'config'],
  ['packages/bus', 'guard'],
  ['packages/contracts', 'errors'],
  ['apps/web', 'ledger'],
] as const) {
  test(`${folder} → ${dependency} is refused`, () =>
    assert.equal(violations([workspace(folder, dependency)]).length, 1));
}
