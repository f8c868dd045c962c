import assert from 'node:assert/strict';
import { test } from 'node:test';
import { orderTargets } from './order.ts';

const healthy = { untilMs: 0, probedUntilMs: 0 };
const suspended = (untilMs: number) => ({ untilMs, probedUntilMs: 0 });

test('turns go round, the others follow as failover', () => {
  const three = [healthy, healthy, healthy];
  assert.deepEqual(orderTargets(three, -1, 0).positions, [0, 1, 2]);
  assert.deepEqual(orderTargets(three, 0, 0).positions, [1, 2, 0]);
  assert.deepEqual(orderTargets(three, 2, 0).positions, [0, 1, 2]);
});

test('a suspended target is skipped without giving its turn to its neighbour twice', () => {
  const list = [healthy, suspended(100), healthy];
  let last = -1;
  const served = Array.from({ length: 6 }, () => {
    last = orderTargets(list, last, 50).positions[0] as number;
    return last;
  });
  assert.deepEqual(served, [0, 2, 0, 2, 0, 2]);
});

test('all suspended: nothing to try, and when that ends', () => {
  assert.deepEqual(orderTargets([suspended(300), suspended(200)], 0, 100), {
    positions: [],
    probe: false,
    retryAtMs: 200,
  });
});

test('when a suspension has run out one request probes, the others go elsewhere', () => {
  const probing = orderTargets([suspended(100), healthy], 1, 150);
  assert.deepEqual(probing, { positions: [0, 1], probe: true, retryAtMs: 0 });
  const meanwhile = orderTargets([{ untilMs: 100, probedUntilMs: 400 }, healthy], 1, 150);
  assert.deepEqual(meanwhile, { positions: [1], probe: false, retryAtMs: 0 });
});

test('what waits for its probe is nobody else’s failover', () => {
  assert.deepEqual(orderTargets([healthy, suspended(100)], 1, 150).positions, [0]);
});
