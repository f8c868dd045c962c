import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasRoom } from './room.ts';
import { isOver, whyNot } from './state.ts';

test('what is over stays what it is', () => {
  for (const status of ['completed', 'incomplete', 'failed', 'cancelled']) assert.ok(isOver({ status }), status);
  for (const status of ['queued', 'in_progress', '']) assert.ok(!isOver({ status }), status);
});

test('a run is not begun for ever, nor after its time', () => {
  const admittedAtMs = 1000;
  assert.equal(whyNot({ lost: 2, admittedAtMs }, 500, 1499), '');
  assert.equal(whyNot({ lost: 3, admittedAtMs }, 500, 1499), 'gateway_interrupted');
  assert.equal(whyNot({ lost: 0, admittedAtMs }, 500, 1500), 'upstream_timeout');
});

test('there is room while the queue is not full, and something is left for answers', () => {
  const use = { queued: 9, queueMax: 10, bytes: 79, bytesMax: 100 };
  assert.equal(hasRoom(use), true);
  assert.equal(hasRoom({ ...use, queued: 10 }), false);
  assert.equal(hasRoom({ ...use, bytes: 80 }), false);
});
