import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLogger } from '@tollgate/telemetry';
import { Shutdown } from './shutdown.ts';

const logger = createLogger({ service: 'x', replica: 'x-1', level: 'silent' });

test('closes start only after the slowest drain, and each after the one before', async () => {
  const shutdown = new Shutdown({ logger, timeoutMs: 10_000, now: Date.now });
  const order: string[] = [];
  const slow = Promise.withResolvers<void>();
  shutdown.defer('first', () => order.push('first'));
  shutdown.defer('second', async () => {
    await Promise.resolve();
    order.push('second');
  });
  shutdown.drain('slow', () => slow.promise.then(() => order.push('slow')));
  shutdown.drain('fast', () => {
    order.push('fast');
    slow.resolve();
  });
  assert.equal(await shutdown.run(), true);
  assert.deepEqual(order, ['fast', 'slow', 'second', 'first']);
});

test('hanging parts cannot use up the time of those after them', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  const shutdown = new Shutdown({ logger, timeoutMs: 15_000, now: Date.now });
  const closedAtMs: number[] = [];
  const hang = () => new Promise<never>(() => {});
  shutdown.defer('last', () => closedAtMs.push(Date.now()));
  shutdown.defer('hangs', hang);
  shutdown.defer('hangs too', hang);
  shutdown.drain('hangs', hang);
  let clean: boolean | undefined;
  const run = shutdown.run().then((result) => {
    clean = result;
  });
  for (let ms = 0; ms < 15_000 && clean === undefined; ms += 100) {
    await new Promise((resolve) => setImmediate(resolve));
    t.mock.timers.tick(100);
  }
  await run;
  assert.equal(clean, false);
  // 10 s for the drain, then half of what is left for each close.
  assert.equal(closedAtMs.length, 1);
  assert.ok((closedAtMs[0] ?? Infinity) < 14_500, String(closedAtMs));
});
