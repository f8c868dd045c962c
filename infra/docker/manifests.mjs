// What npm needs of this repository to install packages: every package.json and the lock, and nothing that changes with
// the code, so that an image's layer of packages is built anew only when one of them changed. Tools for development are
// left out of them: npm would install the packages that the test tools of a workspace ask for, whatever --omit says.
import { cpSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const [target = '/manifests'] = process.argv.slice(2);
const { workspaces } = JSON.parse(readFileSync('package.json', 'utf8'));
const files = ['package.json', ...workspaces.flatMap((pattern) => globSync(`${pattern}/package.json`))];
for (const file of files) {
  const { devDependencies: _, ...manifest } = JSON.parse(readFileSync(file, 'utf8'));
  mkdirSync(path.join(target, path.dirname(file)), { recursive: true });
  writeFileSync(path.join(target, file), `${JSON.stringify(manifest, null, 2)}\n`);
}
for (const file of ['package-lock.json', '.npmrc']) cpSync(file, path.join(target, file));
