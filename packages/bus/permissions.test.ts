import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { permissionsFor } from './permissions.ts';

const services = readdirSync(path.resolve(import.meta.dirname, '../../services'));

test('every service has permissions, and nobody else', () => {
  assert.ok(services.length >= 9);
  for (const service of services) assert.ok(permissionsFor(service).publish.length > 0);
  assert.throws(() => permissionsFor('stranger'), RangeError);
});

test('wildcards are whole tokens, as NATS wants them', () => {
  for (const service of services) {
    const { publish, subscribe } = permissionsFor(service);
    for (const subject of [...publish, ...subscribe]) {
      for (const token of subject.split('.')) assert.ok(!/[*>]/.test(token) || token.length === 1, subject);
    }
  }
});

test('only the console writes configuration, and nobody else may delete a stream', () => {
  for (const service of services.filter((name) => name !== 'console')) {
    const { publish } = permissionsFor(service);
    assert.ok(!publish.some((subject) => subject.startsWith('$KV.')), service);
    assert.ok(!publish.some((subject) => subject === '$JS.API.>' || subject.includes('STREAM.DELETE')), service);
  }
});
