import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { usageConsumers } from '@tollgate/bus';
import { RequestStatus } from '@tollgate/contracts';
import { LedgerStore } from '../../adapters/ledger-store.ts';
import { usageEvent } from '../../testing/events.ts';
import { startSystem, type TestSystem } from '../../testing/system.ts';
import { compareRows } from './rows.ts';

const limit = { timeout: 120_000 };

// Without the sample: what is found here, the ledger told itself.
describe('rows against messages', () => {
  let system: TestSystem;
  const replaced = new Map<number, number>();
  before(async () => {
    system = await startSystem();
    await system.startReplica({ TOLLGATE_ANALYTICS_PAUSE_MS: '0' });
  });
  after(() => system?.close());

  const compare = (lookUpsMax: number) => {
    const ledger = new LedgerStore(system.ledger);
    return compareRows({ ledger, bus: system.bus, replaced, bounds: { lookUpsMax, sampleMax: 0 }, random: () => 0 });
  };
  const publish = async (...messages: ReturnType<typeof usageEvent>[][]) => {
    for (const events of messages) {
      for (const event of events) system.bus.usage.publish(event);
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.equal(await system.bus.usage.flush(10_000), true);
    const { lastSeq } = await system.bus.usageState();
    // The consumer is there when its service has begun.
    const floor = () => system.bus.usageAckFloor(usageConsumers.ledger).catch(() => 0);
    while ((await floor()) < lastSeq) await new Promise((resolve) => setTimeout(resolve, 20));
  };
  const remove = (id: string) =>
    system.ledger.command(
      `ALTER TABLE usage_events DELETE WHERE request_id = '${id}'`,
      {},
      { settings: { mutations_sync: '1' } },
    );
  const outcomes = async (lookUpsMax: number) =>
    (await compare(lookUpsMax)).map(({ outcome, what }) => `${outcome} ${what}`.trim());

  it(
    'finds every lost row of messages that others share, without reading the messages that lack none',
    limit,
    async () => {
      const message = (at: number) => ['a', 'b', 'c'].map((name) => usageEvent(`${name}-${at}`));
      await publish(...Array.from({ length: 20 }, (_, at) => message(at)));
      assert.deepEqual(await outcomes(10), ['equal']);
      assert.match((await compare(10))[0]?.detail ?? '', /of 0 events that were looked up/);
      await remove('b-7');
      await remove('c-12');
      assert.deepEqual(await outcomes(10), ['differs', 'differs request b-7', 'differs request c-12']);
      await publish([usageEvent('b-7'), usageEvent('c-12')]);
      assert.deepEqual(await outcomes(10), ['equal']);
    },
  );

  it(
    'looks up what was replaced once, so that a loss behind any number of it is found in the next runs',
    limit,
    async () => {
      const ids = Array.from({ length: 12 }, (_, at) => `replaced-${at}`);
      const guess = { version: 1, status: RequestStatus.ABANDONED };
      await publish(
        ...ids.map((id) => [usageEvent(id, guess)]),
        ids.map((id) => usageEvent(id)),
        [usageEvent('alone')],
      );
      await remove('alone');
      await system.ledger.command('OPTIMIZE TABLE usage_events FINAL');
      assert.deepEqual(await outcomes(5), ['skipped']);
      assert.match((await compare(5))[0]?.detail ?? '', /; 3 further messages that lack rows/);
      assert.deepEqual(await outcomes(5), ['differs', 'differs request alone']);
      // Told again and again, until it is there.
      assert.deepEqual(await outcomes(1), ['differs', 'differs request alone']);
      await publish([usageEvent('alone')]);
      assert.deepEqual(await outcomes(5), ['equal']);
    },
  );

  it('looks up a message again that lacks more than it did', limit, async () => {
    await publish([usageEvent('guessed', { version: 1 }), usageEvent('beside')], [usageEvent('guessed')]);
    await system.ledger.command('OPTIMIZE TABLE usage_events FINAL');
    assert.deepEqual(await outcomes(5), ['equal']);
    await remove('beside');
    assert.deepEqual(await outcomes(5), ['differs', 'differs request beside']);
  });

  it('knows an event whose row says something else', limit, async () => {
    await publish([usageEvent('changed')], [usageEvent('beside')]);
    const sampled = async () => {
      const ledger = new LedgerStore(system.ledger);
      const findings = await compareRows({ ledger, bus: system.bus, replaced, random: () => 0 });
      return findings.map(({ outcome, what, expected, found }) =>
        what ? [outcome, what, expected, found] : [outcome],
      );
    };
    assert.deepEqual(await sampled(), [['equal']]);
    await system.ledger.command(
      "ALTER TABLE usage_events UPDATE cost_nano_usd = cost_nano_usd + 1 WHERE request_id = 'changed'",
      {},
      { settings: { mutations_sync: '1' } },
    );
    assert.deepEqual(await sampled(), [['differs'], ['differs', 'request changed: cost_nano_usd', 1000, 1001]]);
  });
});
