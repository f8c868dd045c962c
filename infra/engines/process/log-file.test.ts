import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { logTail, openLogFile, rotate } from './log-file.ts';

test('a log beyond its bound moves aside, and the writer goes on at the start', (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'tollgate-log-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = path.join(folder, 'a.log');
  const log = openLogFile(file);
  t.after(() => log.close());
  writeSync(log.descriptor, 'first line\n');
  rotate(file, 5);
  writeSync(log.descriptor, 'second line\n');
  assert.equal(readFileSync(`${file}.1`, 'utf8'), 'first line\n');
  assert.equal(readFileSync(file, 'utf8'), 'second line\n');
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.equal(logTail(file), 'second line');
});
