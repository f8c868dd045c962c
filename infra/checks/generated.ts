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

/** What in the package is written by hand: how to encode, and what two services say in the same words. No message. */
const byHand = /^(index|encode|messages-surface|server-timing)(\.test)?\.ts$|^gen\//;
const strangers = globSync('**/*.ts', { cwd: path.join(root, 'packages/contracts') }).filter(
  (file) => !byHand.test(file) && !file.includes('node_modules'),
);
for (const file of strangers)
  console.error(
    `packages/contracts/${file} is not generated: the wire is written in proto/, other code has a room of its own`,
  );
for (const file of different)
  console.error(`packages/contracts/gen/${file} is not what proto/ generates: run "npm run generate"`);
process.exit(different.length + strangers.length === 0 ? 0 : 1);
