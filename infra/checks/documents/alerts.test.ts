import assert from 'node:assert/strict';
import { globSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { root } from '../workspace-list.ts';
import { read } from './page.ts';

const rules = read('docs/runbooks/tollgate.rules.yaml');

test('docs/runbooks/tollgate.rules.yaml has the expressions of the runbooks, each with its page, and no others', () => {
  const ruled = rules
    .split(/^ {6}- alert: /m)
    .slice(1)
    .map((rule) => `${/runbook: (.+)/.exec(rule)?.[1]} ${/expr: (.+)/.exec(rule)?.[1]}`);
  const documented = globSync('docs/runbooks/*.md', { cwd: root }).flatMap((file) =>
    Array.from(read(file).matchAll(/```promql\n([^`]*)\n```/g), ([, expression]) => `${file} ${expression}`),
  );
  assert.ok(documented.length > 10);
  assert.deepEqual(ruled.sort(), documented.map((line) => line.split(path.sep).join('/')).sort());
});

test('docs/runbooks/tollgate.rules.yaml: every alert has a name of its own and says whom it wakes', () => {
  const names = Array.from(rules.matchAll(/- alert: (.+)/g), ([, name]) => name);
  assert.equal(new Set(names).size, names.length);
  assert.equal([...rules.matchAll(/labels: \{ severity: (?:page|ticket) \}/g)].length, names.length);
});
