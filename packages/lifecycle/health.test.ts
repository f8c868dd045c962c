import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Health } from './health.ts';

test('not ready before it started and from the stop on, whatever the checks say', () => {
  const health = new Health();
  health.check('bus', () => true);
  assert.deepEqual(health.readiness(), { ready: false, checks: { lifecycle: 'starting', bus: 'ok' } });
  health.started();
  assert.deepEqual(health.readiness(), { ready: true, checks: { bus: 'ok' } });
  health.draining();
  health.started();
  assert.deepEqual(health.readiness(), { ready: false, checks: { lifecycle: 'draining', bus: 'ok' } });
});

test('one failing check is enough, and all are told', () => {
  const health = new Health();
  health.started();
  health.check('bus', () => true);
  health.check('redis', () => 'no answer for 3 s');
  assert.deepEqual(health.readiness(), { ready: false, checks: { bus: 'ok', redis: 'no answer for 3 s' } });
});

test('degraded is told, and takes work', () => {
  const health = new Health();
  health.started();
  health.check('cache', () => ({ degraded: 'exact hits only' }));
  assert.deepEqual(health.readiness(), { ready: true, checks: { cache: 'degraded: exact hits only' } });
});

test('a check that throws is a failing one', () => {
  const health = new Health();
  health.started();
  health.check('store', () => {
    throw new Error('no client');
  });
  assert.deepEqual(health.readiness(), { ready: false, checks: { store: 'check failed: no client' } });
});

test('two parts cannot answer under one name', () => {
  const health = new Health();
  health.check('bus', () => true);
  assert.throws(() => health.check('bus', () => true), /bus/);
});
