import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { LimitEvent } from '@tollgate/contracts';
import { startSystem, type TestSystem } from './testing/system.ts';

const event = (id: string): LimitEvent => {
  const empty = LimitEvent.decode(new Uint8Array(0));
  const window = { windowStartMs: Date.now(), windowEndMs: Date.now() + 3_600_000 };
  return { ...empty, ...window, id, organizationId: 'acme', kind: 'threshold', percent: 50, atMs: Date.now() };
};

describe('events of limits in the ledger', () => {
  let system: TestSystem;
  before(async () => {
    system = await startSystem();
  });
  after(() => system?.close());

  /** Ids, in order, once there are so many rows; the test's own time limit bounds it. */
  const ids = async (count: number) => {
    for (;;) {
      const rows = await system.ledger.rows<{ id: string }>('SELECT id FROM limit_events ORDER BY id').catch(() => []);
      if (rows.length >= count) return rows.map(({ id }) => id);
      // Seconds of waiting for JetStream to deliver again what a killed replica had: each question costs the engine work.
      await delay(200);
    }
  };

  it('are one row each, those of before its start and those of a time without ClickHouse too', {
    timeout: 60_000,
  }, async () => {
    assert.equal(await system.bus.publishLimitEvent(event('e1')), true);
    assert.equal(await system.bus.publishLimitEvent(event('e1')), false);
    const first = await system.startReplica();
    assert.deepEqual(await ids(1), ['e1']);
    await system.engines.clickhouse.stop();
    await system.bus.publishLimitEvent(event('e2'));
    // In the hands of a replica that dies with it.
    await first.stop('SIGKILL');
    await system.bus.publishLimitEvent(event('e3'));
    await system.startReplica();
    await system.engines.clickhouse.start();
    assert.deepEqual(await ids(3), ['e1', 'e2', 'e3']);
  });
});
