import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareVersions, versionIn } from './versions.ts';

test('versions compare by number, not by letter', () => {
  assert.ok(compareVersions('2.10.23', '2.9.99') > 0);
  assert.ok(compareVersions('7.0.15', '8.0.0') < 0);
  assert.equal(compareVersions('8.0', '8.0.0'), 0);
  assert.ok(compareVersions('26.7.3.1', '26.7.3') > 0);
});

test('a suffix of a distribution does not count', () => {
  assert.equal(compareVersions('8.0.2-3+deb13u3', '8.0.2'), 0);
});

test('the version is found in what programs print', () => {
  assert.equal(versionIn('nats-server: v2.10.27'), '2.10.27');
  assert.equal(versionIn('Redis server v=8.0.2 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64'), '8.0.2');
  assert.equal(versionIn('no such program'), undefined);
});
