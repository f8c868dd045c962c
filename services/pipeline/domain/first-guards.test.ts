import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FirstGuards } from './first-guards.ts';

const usable: Record<string, boolean> = {};
const pools = Object.fromEntries(['auth', 'router'].map((kind) => [kind, { ready: () => usable[kind] ?? false }]));

test('each kind has to be seen once, and may go again', () => {
  const first = new FirstGuards(pools, () => 0);
  assert.equal(first.missing(), 'auth');
  usable.auth = true;
  assert.equal(first.missing(), 'router');
  Object.assign(usable, { auth: false, router: true });
  assert.equal(first.missing(), '');
  usable.router = false;
  assert.equal(first.missing(), '');
});

test('what does not come in three seconds is not waited for, then or later', () => {
  let nowMs = 1000;
  const first = new FirstGuards({ cache: { ready: () => false } }, () => nowMs);
  nowMs = 3999;
  assert.equal(first.missing(), 'cache');
  nowMs = 4000;
  assert.equal(first.missing(), '');
  nowMs = 1000;
  assert.equal(first.missing(), '');
});
