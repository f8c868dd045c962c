import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { root } from '../workspace-list.ts';
import { read } from './page.ts';

const page = 'docs/pitfalls.md';
const named = [...read(page).matchAll(/\["([^"]+)"\]\(([^)]+)\)/g)];

test(`${page}: each test that it names is there, under that name`, () => {
  assert.ok(named.length > 50);
  const missing = named.filter(([, title = '', file = '']) => !titles(file).some((known) => known.includes(title)));
  assert.deepEqual(
    missing.map(([, title, file]) => `${file}: ${title}`),
    [],
  );
});

test(`${page}: each rule has a test`, () => {
  const rows = read(page)
    .split('\n')
    .filter((line) => /^\| (?!goes wrong|-)/.test(line));
  assert.deepEqual(
    rows.filter((row) => !/\]\([^)]+\.(test\.ts|md)\)/.test(row.split(' | ').at(-1) ?? '')),
    [],
  );
});

/** As they stand behind `test(`, `it(` or `describe(`. */
function titles(file: string): string[] {
  const source = readFileSync(path.join(root, path.dirname(page), file), 'utf8');
  return [...source.matchAll(/\b(?:test|it|describe)\(\s*(['"`])((?:\\.|(?!\1).)*)\1/g)].map(
    ([, , title = '']) => title,
  );
}
