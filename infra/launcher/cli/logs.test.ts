import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { lastLines } from './log-reader.ts';
import { logNames } from './logs.ts';

test('a service names all its replicas, a replica one of them, nothing all logs', (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'tollgate-logs-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  for (const name of ['guard-pii-1.log', 'guard-pii-2.log', 'guard-pii-1.log.1', 'nats.log'])
    writeFileSync(path.join(folder, name), 'one\ntwo\nthree\n');
  assert.deepEqual(logNames(folder, 'guard-pii'), ['guard-pii-1', 'guard-pii-2']);
  assert.deepEqual(logNames(folder, 'guard-pii-2'), ['guard-pii-2']);
  assert.deepEqual(logNames(folder, 'nats'), ['nats']);
  assert.equal(logNames(folder, undefined).length, 3);
  assert.deepEqual(logNames('/nowhere', undefined), []);
  assert.deepEqual(lastLines(path.join(folder, 'nats.log'), 2), ['two', 'three']);
});

test('a service that shares a process has the log of that process, by its own name and its replica’s', (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'tollgate-logs-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const shared = ['guard-auth+guard-pii-1', 'guard-auth+guard-pii-2'];
  for (const name of [...shared, 'guard-cache-1', 'upstream-1']) writeFileSync(path.join(folder, `${name}.log`), '');
  assert.deepEqual(logNames(folder, 'guard-pii'), shared);
  assert.deepEqual(logNames(folder, 'guard-auth+guard-pii'), shared);
  assert.deepEqual(logNames(folder, 'guard-pii-2'), ['guard-auth+guard-pii-2']);
  assert.deepEqual(logNames(folder, 'guard-auth+guard-pii-2'), ['guard-auth+guard-pii-2']);
  assert.deepEqual(logNames(folder, 'guard-auth-1'), ['guard-auth+guard-pii-1']);
  assert.deepEqual(logNames(folder, 'guard-cache'), ['guard-cache-1']);
  assert.deepEqual(logNames(folder, 'guard'), []);
  assert.deepEqual(logNames(folder, 'pii-1'), []);
});
