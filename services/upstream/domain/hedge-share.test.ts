import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HedgeShare } from './hedge-share.ts';

test('no more than the share of what was asked in the last minute is hedged', () => {
  const share = new HedgeShare();
  let nowMs = 1_700_000_010_000;
  let hedged = 0;
  for (let asked = 1; asked <= 100; asked++) {
    share.asked(nowMs, 10);
    if (share.take(0.05, nowMs, 10)) hedged += 1;
    assert.ok(hedged <= asked * 0.05, `${hedged} of ${asked}`);
  }
  assert.equal(hedged, 5);
  nowMs += 30_000;
  assert.equal(share.take(0.05, nowMs, 10), false, 'the half before counts');
  for (let asked = 1; asked <= 20; asked++) share.asked(nowMs, 10);
  assert.deepEqual([share.take(0.05, nowMs, 10), share.take(0.05, nowMs, 10)], [true, false]);
  nowMs += 30_000;
  assert.equal(share.take(0.05, nowMs, 10), false, 'one of twenty is taken');
  nowMs += 60_000;
  assert.equal(share.take(0.05, nowMs, 10), false, 'nothing was asked');
  share.asked(nowMs, 10);
  assert.equal(share.take(1, nowMs, 10), true);
});

test('what was asked in the half minute before makes room, and what was hedged there takes it', () => {
  const share = new HedgeShare();
  let nowMs = 1_700_000_010_000;
  for (let asked = 1; asked <= 100; asked++) share.asked(nowMs, 10);
  assert.equal(share.take(0.05, nowMs, 10), true);
  nowMs += 30_000;
  const taken = Array.from({ length: 5 }, () => share.take(0.05, nowMs, 10));
  assert.deepEqual(taken, [true, true, true, true, false]);
  nowMs += 60_000;
  assert.equal(share.take(0.05, nowMs, 10), false);
});

test('what was given back is there for another request', () => {
  const share = new HedgeShare();
  const nowMs = 1_700_000_010_000;
  for (let asked = 1; asked <= 20; asked++) share.asked(nowMs, 10);
  assert.equal(share.take(0.05, nowMs, 10), true);
  share.giveBack(10);
  assert.deepEqual([share.take(0.05, nowMs, 10), share.take(0.05, nowMs, 10)], [true, false]);
});

test('a hedge counts by what it costs: none beyond the share of what all cost, and none that the requests have no room for', () => {
  const share = new HedgeShare();
  const nowMs = 1_700_000_010_000;
  for (let asked = 1; asked <= 100; asked++) share.asked(nowMs, 10);
  // 5 % of 1,000 are 50.
  assert.deepEqual([share.take(0.05, nowMs, 51), share.take(0.05, nowMs, 40)], [false, true]);
  assert.deepEqual([share.take(0.05, nowMs, 11), share.take(0.05, nowMs, 10)], [false, true]);
  share.giveBack(40);
  assert.equal(share.take(0.05, nowMs, 40), true);
  const free = new HedgeShare();
  for (let asked = 1; asked <= 20; asked++) free.asked(nowMs, 0);
  assert.deepEqual(
    [free.take(0.05, nowMs, 0), free.take(0.05, nowMs, 0)],
    [true, false],
    'what costs nothing is counted, too',
  );
});
