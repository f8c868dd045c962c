import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Alone, type Choice, chooseAlone, whyNobody, withFailovers } from './choice.ts';
import type { Plan } from './plan.ts';

const healthy = { untilMs: 0, probedUntilMs: 0 };
const resting = (untilMs: number) => ({ untilMs, probedUntilMs: 0 });
const nowMs = 1000;

function choice(change: Partial<Choice>): Choice {
  const standings = [healthy, healthy, healthy];
  return { position: 0, probe: false, standings, roomAtMs: [0, 0, 0], loads: [0, 0, 0], ...change };
}

const equal = [0, 0, 0];

describe('failovers', () => {
  test('of equal rank follow in the order of the list', () => {
    assert.deepEqual(withFailovers(choice({ position: 1 }), equal), [1, 2, 0]);
  });

  test('are tried by rank, by load, and last of all what nobody knows', () => {
    assert.deepEqual(withFailovers(choice({ position: 1 }), [5, 0, 3]), [1, 2, 0]);
    assert.deepEqual(withFailovers(choice({ loads: [1, 9, 4] }), equal), [0, 2, 1]);
    assert.deepEqual(withFailovers(choice({ loads: [1, -1, 4] }), equal), [0, 2, 1]);
  });

  test('are neither suspended, nor waiting for a probe, nor full', () => {
    assert.deepEqual(withFailovers(choice({ standings: [healthy, resting(5000), healthy] }), equal), [0, 2]);
    assert.deepEqual(withFailovers(choice({ standings: [healthy, healthy, resting(10)] }), equal), [0, 1]);
    assert.deepEqual(withFailovers(choice({ roomAtMs: [0, 5000, 0] }), equal), [0, 2]);
  });
});

describe('nobody may be tried', () => {
  test('all are suspended: until the first is free', () => {
    const standings = [resting(9000), resting(4000), resting(5000)];
    assert.deepEqual(whyNobody(choice({ position: -1, standings }), nowMs), { full: false, retryAtMs: 4000 });
  });

  test('one is healthy and full: until any is free and has room', () => {
    const standings = [resting(3000), healthy, resting(2000)];
    const roomAtMs = [0, 8000, 7000];
    assert.deepEqual(whyNobody(choice({ position: -1, standings, roomAtMs }), nowMs), { full: true, retryAtMs: 3000 });
  });
});

describe('without the store', () => {
  const plan = (change: Partial<Plan>): Plan => ({
    ...{ strategy: 'round-robin', targets: [], ids: ['a', 'b', 'c'], weights: [], quotas: undefined, list: '' },
    ...{ attemptsMax: 3, ...change },
  });
  const fresh = (): Alone => ({ last: -1, standings: [healthy, healthy, healthy], currents: [] });
  const turns = (of: Plan, ranks: number[], alone: Alone, count: number) =>
    Array.from({ length: count }, () => chooseAlone(of, ranks, alone, nowMs).position);

  test('turns go round, whatever the store would have gone by', () => {
    for (const strategy of ['round-robin', 'least-busy', 'least-latency'] as const) {
      assert.deepEqual(turns(plan({ strategy }), equal, fresh(), 4), [0, 1, 2, 0], strategy);
    }
  });

  test('the lowest rank, equal ones in turn', () => {
    assert.deepEqual(turns(plan({ strategy: 'lowest-cost' }), [7, 2, 2], fresh(), 3), [1, 2, 1]);
    assert.deepEqual(turns(plan({ strategy: 'priority' }), [0, 1, 2], fresh(), 3), [0, 0, 0]);
  });

  test('weights', () => {
    const found = turns(plan({ strategy: 'weighted', weights: [2, 1, 1] }), equal, fresh(), 4);
    assert.deepEqual(found.toSorted(), [0, 0, 1, 2]);
  });

  test('what it last knew of suspensions holds', () => {
    const alone = { ...fresh(), standings: [resting(5000), healthy, resting(10)] };
    const [one, two] = [1, 2].map(() => chooseAlone(plan({}), equal, alone, nowMs));
    assert.deepEqual([one?.position, one?.probe, two?.position, two?.probe], [1, false, 2, true]);
    const none = { ...fresh(), standings: [resting(5000), resting(5000), resting(5000)] };
    const nobody = chooseAlone(plan({}), equal, none, nowMs);
    assert.deepEqual([nobody.position, nobody.probe], [-1, false]);
  });
});
