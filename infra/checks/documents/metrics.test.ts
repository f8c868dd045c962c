import assert from 'node:assert/strict';
import { globSync } from 'node:fs';
import { test } from 'node:test';
import { root } from '../workspace-list.ts';
import { codeRows, leadingCode, read } from './page.ts';

const sources = globSync('{packages,services}/**/*.ts', {
  cwd: root,
  exclude: (name) => /node_modules|\.test\.ts$|[/\\]gen[/\\]|testing|fixtures/.test(name),
});
/** By metric the text around its name: where it is made stand its kind and its labels. */
const made = new Map<string, string>();
for (const file of sources) {
  const source = read(file);
  for (const match of source.matchAll(/'(tollgate_[a-z_]+)'/g))
    made.set(match[1] ?? '', source.slice(Math.max(0, match.index - 100), match.index + 300));
}
/** The third argument, behind name and help; none when it is no list. */
function labelsIn(call: string): string[] {
  const [, list = ''] = /^'\w+',\s*(?:'[^']*'|"[^"]*"|`[^`]*`),\s*\[([^\]]*)\]/.exec(call) ?? [];
  return [...list.matchAll(/'(\w+)'/g)].map(([, label = '']) => label);
}

const rows = codeRows(read('docs/metrics.md')).map((row) => ({
  name: leadingCode(row[0]) ?? '',
  kind: row[1] ?? '',
  labels: [...(row[2] ?? '').matchAll(/`(\w+)`/g)].map(([, label = '']) => label),
}));

test('docs/metrics.md has every metric, once, and no other', () => {
  assert.ok(made.size > 40);
  assert.deepEqual(rows.map(({ name }) => name).sort(), [...made.keys()].sort());
});

test('docs/metrics.md says of which kind each is, and its labels', () => {
  for (const { name, kind, labels } of rows) {
    const around = made.get(name) ?? '';
    // The hop's counters are made in one place from a list of names, with one label.
    const listed = new RegExp(`: \\['${name}', '`).test(around);
    if (listed) assert.deepEqual([kind, labels], ['counter', ['kind']], name);
    else assert.match(around.slice(0, 100), new RegExp(`\\.${kind}\\(\\s*$`), `${name} is no ${kind}`);
    if (!listed) assert.deepEqual(labelsIn(around.slice(100)).sort(), labels.toSorted(), name);
  }
});

/** Each value of a label is a time series for ever. These have few, all known, or as many as the configuration has providers, models and webhooks. */
const bounded = [
  ...['compared', 'decision', 'entity', 'kind', 'mode', 'outcome', 'question', 'reason', 'standing', 'where'],
  ...['model', 'provider', 'webhook'],
];

test('no metric has a label that grows with teams, keys, models or requests', () => {
  for (const { name, labels } of rows)
    for (const label of labels) assert.ok(bounded.includes(label), `${name}: ${label}`);
});

test('every metric that another document names exists', () => {
  const pages = globSync(['*.md', '{docs,packages,services,infra,apps}/**/*.md'], {
    cwd: root,
    exclude: (name) => name.includes('node_modules'),
  });
  for (const file of pages) {
    // A name that ends in _ stands for all that begin so.
    for (const [name] of read(file).matchAll(/\btollgate_[a-z_]+/g))
      assert.ok(
        made.has(name) || (name.endsWith('_') && [...made.keys()].some((one) => one.startsWith(name))),
        `${file}: ${name}`,
      );
  }
});
