import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { nodeFlags } from './node-flags.ts';

test('this Node takes the flags, and another major version gets none of V8', () => {
  const heap = 'console.log(v8.getHeapStatistics().heap_size_limit)';
  const limit = Number(execFileSync(process.execPath, [...nodeFlags(), '--eval', heap], { encoding: 'utf8' }));
  assert.ok(limit > 0);
  assert.deepEqual(nodeFlags('26.1.0'), ['--disable-warning=ExperimentalWarning']);
});

test('services in containers run with the same flags', () => {
  const dockerfile = readFileSync(path.join(import.meta.dirname, '../../docker/Dockerfile'), 'utf8');
  const stage = dockerfile.slice(dockerfile.indexOf(' AS service\n'));
  const entrypoint = /^ENTRYPOINT (.*)$/m.exec(stage)?.[1];
  assert.deepEqual(JSON.parse(entrypoint ?? '[]'), ['node', ...nodeFlags('24.0.0')]);
});
