import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Slots } from './slots.ts';

const never = new AbortController().signal;

it('admits in order and never more than its number', async () => {
  const slots = new Slots(1, 2);
  const order: number[] = [];
  await slots.acquire(never);
  const second = slots.acquire(never).then(() => order.push(2));
  const third = slots.acquire(never).then(() => order.push(3));
  assert.deepEqual(order, []);
  slots.release();
  await second;
  assert.deepEqual(order, [2]);
  slots.release();
  await third;
  assert.deepEqual(order, [2, 3]);
});

it('refuses at once when too many wait', async () => {
  const slots = new Slots(1, 1);
  await slots.acquire(never);
  const waiting = slots.acquire(never);
  await assert.rejects(slots.acquire(never), { code: 202 });
  slots.release();
  await waiting;
});

it('forgets one that leaves the line', async () => {
  const slots = new Slots(1, 1);
  await slots.acquire(never);
  const leaving = new AbortController();
  const gone = slots.acquire(leaving.signal);
  leaving.abort(new Error('left'));
  await assert.rejects(gone, /left/);
  const next = slots.acquire(never);
  slots.release();
  await next;
  await assert.rejects(slots.acquire(leaving.signal), /left/);
});
