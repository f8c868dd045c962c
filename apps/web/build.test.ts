import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { buildWeb } from './build.ts';

const build = () => spawnSync(process.execPath, [path.join(import.meta.dirname, 'build.ts')], { encoding: 'utf8' });

test('the pages are built once, whole, and then found without a word', async () => {
  assert.equal(build().status, 0);
  const folder = await buildWeb();
  const page = path.join(folder, 'index.html');
  const builtAtMs = statSync(page).mtimeMs;
  const again = build();
  assert.deepEqual([again.status, again.stdout, again.stderr], [0, '', '']);
  assert.equal(statSync(page).mtimeMs, builtAtMs);
});

test('what the page loads is there, and fits the policy that the console serves it under', async () => {
  const folder = await buildWeb();
  const html = readFileSync(path.join(folder, 'index.html'), 'utf8');
  const loaded = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, target]) => target ?? '');
  assert.ok(loaded.length >= 3);
  for (const target of loaded) {
    assert.match(target, /^\/[^/]/, 'from nowhere else');
    assert.ok(existsSync(path.join(folder, target)), target);
  }
  assert.doesNotMatch(html, /<style|<script(?![^>]*\ssrc=)|\son\w+=/);
});
