import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Closers } from './closers.ts';

test('what was opened last closes first', async () => {
  const closers = new Closers();
  const order: string[] = [];
  for (const name of ['engine', 'service', 'edge']) closers.add(async () => void order.push(name));
  await closers.closeAll({ now: false });
  assert.deepEqual(order, ['edge', 'service', 'engine']);
});

test('a second, impatient call ends what the first one waits for', async () => {
  const closers = new Closers();
  const order: string[] = [];
  closers.add(async ({ now }) => void order.push(`engine ${now ? 'at once' : 'in order'}`));
  const drained = Promise.withResolvers<void>();
  closers.add(async ({ now }) => {
    if (now) drained.resolve();
    await drained.promise;
    order.push('edge');
  });
  const patient = closers.closeAll({ now: false });
  await closers.closeAll({ now: true });
  await patient;
  assert.ok(order.includes('engine at once'));
  assert.ok(order.indexOf('edge') < order.indexOf('engine in order'));
});
