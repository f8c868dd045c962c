import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { composeText } from './compose-file.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'tollgate-env-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const make = (file: string) =>
  execFileSync(process.execPath, [path.join(import.meta.dirname, 'make-env.mjs'), file], { encoding: 'utf8' });
const read = (file: string) =>
  new Map(
    readFileSync(file, 'utf8')
      .trim()
      .split('\n')
      .map((line) => line.split('=') as [string, string]),
  );

test('it makes what the composition asks for, each a secret of its own, for its owner only', () => {
  const file = path.join(folder, 'new');
  const printed = make(file);
  const made = read(file);
  const asked = new Set([...composeText().matchAll(/\$\{(\w+):\?/g)].map(([, name]) => name));
  assert.deepEqual([...made.keys()].sort(), [...asked].sort());
  assert.equal(new Set(made.values()).size, made.size);
  for (const [name, value] of made) {
    assert.match(value, /^[0-9a-f]{48}$/);
    assert.ok(printed.includes(name) && !printed.includes(value));
  }
  assert.equal(statSync(file).mode & 0o777, 0o600);
});

test('it keeps what is there, also of a file without a last line end, and adds what is missing or empty', () => {
  const file = path.join(folder, 'old');
  writeFileSync(file, 'TOLLGATE_PORT=9090\nTOLLGATE_REDIS_PASSWORD=\nTOLLGATE_ADMIN_TOKEN=one-that-was-chosen', {
    mode: 0o644,
  });
  make(file);
  const first = readFileSync(file, 'utf8');
  assert.match(first, /^TOLLGATE_PORT=9090\nTOLLGATE_REDIS_PASSWORD=\nTOLLGATE_ADMIN_TOKEN=one-that-was-chosen\n/);
  assert.match(first, /^TOLLGATE_REDIS_PASSWORD=[0-9a-f]{48}$/m);
  assert.equal(first.match(/^TOLLGATE_ADMIN_TOKEN=/gm)?.length, 1);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.match(make(file), /has everything already/);
  assert.equal(readFileSync(file, 'utf8'), first);
});
