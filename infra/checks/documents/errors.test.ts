import assert from 'node:assert/strict';
import { globSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { root } from '../workspace-list.ts';
import { codeRows, leadingCode, read } from './page.ts';

const { errorTable } = (await import(pathToFileURL(path.join(root, 'packages/errors/index.ts')).href)) as {
  errorTable: Record<string, { status: number }>;
};
const codes = Object.keys(errorTable);
const forOperators = codes.filter((code) => errorTable[code]?.status === 429 || (errorTable[code]?.status ?? 0) >= 500);

const pages = globSync('docs/runbooks/*.md', { cwd: root }).filter((file) => !file.endsWith('README.md'));
const nameOf = (file: string) => path.basename(file, '.md');
const index = read('docs/runbooks/README.md').replaceAll(/ +/g, ' ');
const sources = globSync('{packages,services,infra}/**/*.ts', {
  cwd: root,
  exclude: (name) => /node_modules|\.test\.ts$|[/\\]gen[/\\]/.test(name),
});

test('every 429 and 5xx has its runbook, and every other page of runbooks is an alert', () => {
  const alerts = pages.filter((file) => read(file).startsWith('# Alert: ')).map(nameOf);
  const others = pages.map(nameOf).filter((name) => !alerts.includes(name));
  assert.deepEqual(others.sort(), forOperators.sort());
  for (const name of alerts) assert.ok(!codes.includes(name), name);
});

for (const file of pages) {
  const name = nameOf(file);
  const page = read(file);

  test(`${file} says what it means, how to see it and what to do, and is in the index`, () => {
    const title = codes.includes(name) ? `# ${name} (${errorTable[name]?.status})\n` : `# Alert: ${name}\n`;
    assert.ok(page.startsWith(title), `must begin with ${title}`);
    for (const part of ['**Means.**', '**See.**', '**Do']) assert.ok(page.includes(part), part);
    if (!codes.includes(name)) assert.match(page, /```promql\n.*tollgate_/);
    const status = codes.includes(name) ? ` | ${errorTable[name]?.status}` : '';
    assert.ok(index.includes(`| [${name}](${name}.md)${status} |`), 'no row in docs/runbooks/README.md');
  });

  test(`${file} quotes lines that the code writes`, () => {
    const said = [...page.replaceAll(/```[\s\S]*?```|`[^`]*`/g, '').matchAll(/"([^"]{6,})"/g)].map(
      ([, text = '']) => text,
    );
    const missing = said.filter((text) => !sources.some((source) => read(source).includes(text)));
    assert.deepEqual(missing, []);
  });
}

test('docs/errors.md links each runbook', () => {
  const rows = codeRows(read('docs/errors.md'));
  const linked = rows.filter((row) => row[5]?.includes('](runbooks/')).map(([code]) => leadingCode(code) ?? '');
  assert.deepEqual(linked.sort(), forOperators.sort());
});

test('docs/errors.md says of exactly those codes that this build does not give them', () => {
  const thrown = sources
    .filter((file) => !file.startsWith('packages/errors') && !file.startsWith('packages/testing'))
    .map(read)
    .join('\n');
  const unused = codes.filter((code) => !thrown.includes(`'${code}'`));
  const said = codeRows(read('docs/errors.md'))
    .filter((row) => row[4]?.startsWith('*Not given by this build.*'))
    .map(([code]) => leadingCode(code) ?? '');
  assert.deepEqual(said.sort(), unused.sort());
});
