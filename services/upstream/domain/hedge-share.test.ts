import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HedgeShare } from './hedge-share.ts';

test('no more than the share of what was asked in the last minute is hedged', () => {
  const share = new HedgeShare();
  let nowMs = 1_700_000_010_000;
  let hedged = 0;
  for (let asked = 1; asked <= 100; asked++) {
    share.asked(nowMs);
    if (share.take(0.05, nowMs)) hedged += 1;
    assert.ok(hedged <= asked * 0.05, `${hedged} of ${asked}`);
  }
  assert.equal(hedged, 5);
  nowMs += 30_000;
  assert.equal(share.take(0.05, nowMs), false, 'the half before counts');
  for (let asked = 1; asked <= 20; asked++) share.asked(nowMs);
  assert.deepEqual([share.take(0.05, nowMs), share.take(0.05, nowMs)], [true, false]);
  nowMs += 30_000;
  assert.equal(share.take(0.05, nowMs), false, 'one of twenty is taken');
  nowMs += 60_000;
  assert.equal(share.take(0.05, nowMs), false, 'nothing was asked');
  share.asked(nowMs);
  assert.equal(share.take(1, nowMs), true);
});

test('what was asked in the half minute before makes room, and what was hedged there takes it', () => {
  const share = new HedgeShare();
  let nowMs = 1_700_000_010_000;
  for (let asked = 1; asked <= 100; asked++) share.asked(nowMs);
  assert.equal(share.take(0.05, nowMs), true);
  nowMs += 30_000;
  const taken = Array.from({ length: 5 }, () => share.take(0.05, nowMs));
  assert.deepEqual(taken, [true, true, true, true, false]);
  nowMs += 60_000;
  assert.equal(share.take(0.05, nowMs), false);
});

test('what was given back is there for another request', () => {
  const share = new HedgeShare();
  const nowMs = 1_700_000_010_000;
  for (let asked = 1; asked <= 20; asked++) share.asked(nowMs);
  assert.equal(share.take(0.05, nowMs), true);
  share.giveBack();
  assert.deepEqual([share.take(0.05, nowMs), share.take(0.05, nowMs)], [true, false]);
});
