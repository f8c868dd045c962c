import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { sourcesSha256 } from './pages.ts';

test('pages are stale when a source changed, and not when a build wrote its results', (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'tollgate-pages-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(path.join(folder, 'pages'));
  writeFileSync(path.join(folder, 'pages', 'index.tsx'), 'one');
  const first = sourcesSha256(folder);
  mkdirSync(path.join(folder, 'dist'));
  writeFileSync(path.join(folder, 'dist', 'index.js'), 'built');
  assert.equal(sourcesSha256(folder), first);
  writeFileSync(path.join(folder, 'pages', 'index.tsx'), 'two');
  assert.notEqual(sourcesSha256(folder), first);
});
