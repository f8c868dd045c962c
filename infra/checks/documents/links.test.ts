import assert from 'node:assert/strict';
import { existsSync, globSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { root } from '../workspace-list.ts';
import { read } from './page.ts';

const pages = globSync(['*.md', '{docs,packages,services,infra,apps,test}/**/*.md'], {
  cwd: root,
  exclude: (name) => name.includes('node_modules'),
});
const code = /```[\s\S]*?```|`[^`\n]*`/g;

/** As GitHub names the headings of a page. */
function anchors(file: string): string[] {
  return [
    ...read(file)
      .replace(/```[\s\S]*?```/g, '')
      .matchAll(/^#+ (.+)$/gm),
  ].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

for (const file of pages) {
  test(`links of ${file} resolve`, () => {
    const broken: string[] = [];
    for (const [, target = ''] of read(file)
      .replace(code, '')
      .matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      const [place = '', anchor] = target.split('#');
      const linked = path.join(path.dirname(file), place);
      const found = place === '' || existsSync(path.join(root, linked));
      const known = anchor === undefined || !found || anchors(place === '' ? file : linked).includes(anchor);
      if (!found || !known) broken.push(target);
    }
    assert.deepEqual(broken, []);
  });
}

test('every page of docs can be reached from its index', () => {
  const seen = new Set<string>();
  const follow = (file: string) => {
    if (seen.has(file) || !file.endsWith('.md')) return;
    seen.add(file);
    for (const [, target = ''] of read(file).matchAll(/\]\(([^)\s#:]+\.md)(?:#[^)]*)?\)/g))
      if (existsSync(path.join(root, path.dirname(file), target))) follow(path.join(path.dirname(file), target));
  };
  follow('docs/README.md');
  const docs = pages.filter((file) => file.startsWith('docs'));
  assert.deepEqual(
    docs.filter((file) => !seen.has(file)),
    [],
  );
});

test('files that documents name in code exist', () => {
  const missing: string[] = [];
  for (const file of pages) {
    // A page of a folder may name files by their place in that folder.
    const folders = [root, path.join(root, path.dirname(file))];
    for (const [, named = ''] of read(file)
      .replace(/```[\s\S]*?```/g, '')
      .matchAll(/`((?:packages|services|infra|apps|test|proto|docs|domain|adapters|handlers)\/[\w./-]+)`/g))
      if (!folders.some((folder) => existsSync(path.join(folder, named)))) missing.push(`${file}: ${named}`);
  }
  assert.deepEqual(missing, []);
});
