import { existsSync, globSync } from 'node:fs';
import path from 'node:path';
import { root, workspaces } from './workspace-list.ts';

/** Workspaces without decisions of their own: generated code, checked elsewhere. */
const withoutTests = new Set(['packages/contracts', 'test']);
/** What the steps for types cover: the root's tsconfig.json, and two with the browser's types. */
const typeChecked = /^(packages|services|infra)\/|^apps\/web$|^test$/;
const rooms = ['main.ts', 'config.ts', 'service.ts', 'README.md'];

const faults: string[] = [];
for (const { folder, scripts } of workspaces()) {
  if (!scripts.typecheck) faults.push(`${folder}: no script "typecheck"`);
  if (!typeChecked.test(folder)) faults.push(`${folder}: no step checks its types (infra/checks/steps.ts)`);
  const tests = globSync('**/*.test.ts', { cwd: path.join(root, folder), exclude: ['node_modules'] });
  if (tests.length === 0 && !withoutTests.has(folder)) faults.push(`${folder}: no tests`);
  if (!folder.startsWith('services/')) continue;
  for (const room of rooms) if (!existsSync(path.join(root, folder, room))) faults.push(`${folder}: no ${room}`);
}
for (const fault of faults) console.error(fault);
process.exit(faults.length === 0 ? 0 : 1);
