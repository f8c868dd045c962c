import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { root } from './workspace-list.ts';

const committed = path.join(root, 'packages/contracts/gen');
const scratch = mkdtempSync(path.join(tmpdir(), 'tollgate-generated-'));
let different: string[];
try {
  cpSync(path.join(root, 'proto'), path.join(scratch, 'proto'), { recursive: true });
  const { status } = spawnSync('buf', ['generate'], { cwd: path.join(scratch, 'proto'), stdio: 'inherit' });
  if (status !== 0) process.exit(1);
  const fresh = path.join(scratch, 'packages/contracts/gen');
  const files = new Set([...globSync('**/*.ts', { cwd: committed }), ...globSync('**/*.ts', { cwd: fresh })]);
  const read = (folder: string, file: string) =>
    existsSync(path.join(folder, file)) ? readFileSync(path.join(folder, file), 'utf8') : '';
  different = [...files].filter((file) => read(fresh, file) !== read(committed, file));
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
for (const file of different)
  console.error(`packages/contracts/gen/${file} is not what proto/ generates: run "npm run generate"`);
process.exit(different.length === 0 ? 0 : 1);
