import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { breaks } from './breaks.ts';
import { broken } from './broken-copy.ts';

const root = path.resolve(import.meta.dirname, '../../..');

for (const one of breaks) {
  test(`the fault ${one.name} can still be put into ${one.file}`, () => {
    const source = readFileSync(path.join(root, one.file), 'utf8');
    assert.notEqual(broken(source, one), source);
  });
}

test('a fault whose text is not there, or there twice, is none', () => {
  const one = { file: 'a.ts', find: 'once', replace: '' };
  assert.throws(() => broken('never', one), /a.ts has not once: once/);
  assert.throws(() => broken('once and once', one), /a.ts has not once: once/);
});
