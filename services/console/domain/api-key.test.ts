import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { describeKey, mintKey } from './api-key.ts';
import { parseDuration } from './duration.ts';

const owner = { organizationId: 'o', projectId: 'p', project: 'p', teamId: 'p.t', team: 't' };

test('a key is tg_ and 64 hex digits, and only its hash is kept', () => {
  const { key, record } = mintKey(owner, { name: 'test-key' }, 5);
  assert.match(key, /^tg_[0-9a-f]{64}$/);
  assert.equal(record.hash, createHash('sha256').update(key).digest('hex'));
  assert.equal(record.lastFive, key.slice(-5));
  assert.ok(!JSON.stringify(record).includes(key));
  assert.notEqual(mintKey(owner, { name: 'test-key' }, 5).key, key);
});

test('a key in place of another has nothing of it but its owner and its settings', () => {
  const old = mintKey(owner, { name: 'test-key', models: ['gpt-4o'] }, 5);
  const { key, record } = mintKey(old.record, { name: 'test-key', models: ['gpt-4o'] }, 9);
  assert.equal(record.hash, createHash('sha256').update(key).digest('hex'));
  assert.notEqual(record.id, old.record.id);
  const { id, hash, lastFive } = record;
  assert.deepEqual(record, { ...old.record, id, hash, lastFive, createdAtMs: 9 });
});

test('a listed key shows its state and not its hash', () => {
  const { record } = mintKey(owner, { name: 'test-key', expiresAtMs: 100 }, 5);
  assert.equal(describeKey(record, 99).state, 'active');
  assert.equal(describeKey(record, 100).state, 'expired');
  assert.equal(describeKey({ ...record, revokedAtMs: 50 }, 60).state, 'revoked');
  assert.ok(!('hash' in describeKey(record, 1)));
});

test('durations have one unit', () => {
  assert.equal(parseDuration('30d', 'expires'), 30 * 86_400_000);
  assert.equal(parseDuration('15m', 'since'), 900_000);
  for (const bad of ['', '0d', '5', 'd', '1.5h', '-1d', '5y'])
    assert.throws(() => parseDuration(bad, 'since'), { code: 'invalid_request' });
});
