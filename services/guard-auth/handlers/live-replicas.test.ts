import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { forgottenAfterMs, LiveReplicas } from './live-replicas.ts';

let nowMs: number;
let replicas: LiveReplicas;
beforeEach(() => {
  nowMs = 1_000_000;
  replicas = new LiveReplicas('one', () => nowMs);
});

/** Seconds in which these beat. */
function beat(seconds: number, ...names: string[]): void {
  for (let second = 0; second < seconds; second++) {
    nowMs += 1000;
    for (const replica of names)
      replicas.heard({ kind: 'auth', replica, address: '', version: '', draining: false, ready: true, revision: 1 });
  }
}

test('counts those that beat, itself too; guards of other kinds are none', () => {
  beat(5, 'one', 'two');
  replicas.heard({
    kind: 'pii',
    replica: 'three',
    address: '',
    version: '',
    draining: false,
    ready: true,
    revision: 1,
  });
  assert.equal(replicas.count(nowMs), 2);
});

test('is not known before everybody has had the time to beat', () => {
  beat(2, 'one', 'two');
  assert.equal(replicas.count(nowMs), undefined);
});

test('is not known while its own beats do not arrive, or just after the bus was away', () => {
  beat(5, 'one', 'two');
  beat(4, 'two');
  assert.equal(replicas.count(nowMs), undefined);
  beat(1, 'one', 'two');
  assert.equal(replicas.count(nowMs), 2);
  replicas.missed();
  assert.equal(replicas.count(nowMs), undefined);
});

test('who ends in an outage keeps its part; who ended long before has none', () => {
  beat(5, 'one', 'two');
  const sinceMs = nowMs;
  beat(3600, 'one');
  assert.equal(replicas.count(sinceMs), 2);
  beat(1, 'one', 'three');
  assert.equal(replicas.count(sinceMs), 3);
  assert.equal(replicas.count(nowMs), 2);
  nowMs += forgottenAfterMs + 1;
  replicas.forget();
  beat(1, 'one');
  assert.equal(replicas.count(sinceMs), 1);
});
