import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exampleText, snapshotOf } from '../fixtures/example.ts';
import { parseKeyRecord, parseSnapshot } from './stored.ts';

const stored = JSON.stringify(snapshotOf(exampleText));

test('a guardrail, limit or provider type of a newer build is not skipped: the snapshot is refused', () => {
  for (const [known, unknown] of [
    ['"kind":"piiMasking"', '"kind":"promptGuard"'],
    ['"kind":"piiMasking"', '"kind":"piiMasking","restore":true'],
    ['"entities":["email"', '"entities":["creditCard"'],
    ['"quantity":"tokens"', '"quantity":"images"'],
    ['"promptNanoPerMillion"', '"imagePromptNanoPerMillion":1,"promptNanoPerMillion"'],
    ['"mode":"hard"', '"mode":"stricter"'],
    ['"mode":"hard"', '"mode":"hard","sliding":true'],
    ['"type":"azure-openai"', '"type":"mistral"'],
    ['"strategy":"round-robin"', '"strategy":"cheapest"'],
    ['"name":"engineering"', '"name":"engineering","zones":["eu"]'],
    ['"deployment":"gpt-4o"', '"deployment":"gpt-4o","zone":"eu"'],
  ] as const) {
    assert.ok(stored.includes(known), known);
    assert.throws(() => parseSnapshot(stored.replace(known, unknown)), { name: 'ZodError' }, unknown);
  }
});

test('a missing part refuses the snapshot, too, and broken JSON', () => {
  assert.throws(() => parseSnapshot(stored.replace('"revision"', '"x"')), { name: 'ZodError' });
  assert.throws(() => parseSnapshot(stored.slice(1)), SyntaxError);
});

test('further members elsewhere are left to newer builds', () => {
  assert.doesNotThrow(() => parseSnapshot(stored.replace('"revision":1', '"revision":1,"auditedBy":"x"')));
});

test('a key record holds everything but the key', () => {
  const record = {
    id: 'key_1',
    hash: 'a'.repeat(64),
    name: 'test-key',
    lastFive: 'abcde',
    organizationId: 'o',
    projectId: 'p',
    project: 'p',
    teamId: 'p.t',
    team: 't',
    createdAtMs: 1,
  };
  assert.deepEqual(parseKeyRecord(JSON.stringify(record)), record);
  assert.throws(() => parseKeyRecord(JSON.stringify({ ...record, hash: 'tg_abc' })), { name: 'ZodError' });
});
