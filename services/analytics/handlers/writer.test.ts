import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { UsageRow } from '@tollgate/ledger';
import { createLogger, createMetrics } from '@tollgate/telemetry';
import { usageEvent } from '../testing/events.ts';
import { Writer } from './writer.ts';

const message = (seq: number, ...ids: string[]) => ({
  seq,
  redelivered: false,
  batch: { batchId: `b-${seq}`, replica: 'x', events: ids.map((id) => usageEvent(id)) },
});

function setUp(insert: (rows: readonly UsageRow[]) => Promise<void>) {
  const waits: number[] = [];
  const stopping = new AbortController();
  const metrics = createMetrics('test');
  let nowMs = 1000;
  const writer = new Writer({
    ledger: { insert },
    batchMax: 2,
    pauseMs: 200,
    stopping: stopping.signal,
    logger: createLogger({ service: 'test', replica: 'test', level: 'silent' }),
    metrics,
    now: () => nowMs,
    wait: async (ms, signal) => {
      signal.throwIfAborted();
      waits.push(ms);
      nowMs += ms;
    },
  });
  return { writer, waits, stopping, metrics };
}

describe('Writer', () => {
  it('pauses between batches that are not full, and only between those', async () => {
    const sizes: number[] = [];
    const { writer, waits } = setUp(async (rows) => void sizes.push(rows.length));
    await writer.write([message(1, 'a')]);
    await writer.write([message(2, 'b', 'c')]);
    await writer.write([message(3, 'd'), message(4, 'e')]);
    assert.deepEqual([sizes, waits], [[1, 2, 2], [200]]);
  });

  it('tries until the ledger has it, with growing pauses up to five seconds', async () => {
    let attempts = 0;
    const { writer, waits, metrics } = setUp(async () => {
      if (++attempts < 10) throw new Error('away');
    });
    await writer.write([message(1, 'a')]);
    assert.equal(attempts, 10);
    assert.equal(waits.length, 9);
    assert.ok(
      waits.every((ms, i) => ms <= Math.min(5000, 100 * 2 ** i) && ms >= Math.min(5000, 100 * 2 ** i) * 0.79),
      String(waits),
    );
    assert.match(await metrics.text(), /tollgate_ledger_write_failures_total\{service="test"\} 9/);
  });

  it('gives the batch back when the service stops', async () => {
    const { writer, stopping } = setUp(async () => {
      stopping.abort();
      throw new Error('away');
    });
    await assert.rejects(writer.write([message(1, 'a')]), { name: 'AbortError' });
  });

  it('drops, and counts, an event that belongs to no row, and nothing beside it', async () => {
    const written: string[] = [];
    const { writer, metrics } = setUp(async (rows) => void written.push(...rows.map((row) => row.request_id)));
    const odd = message(1, 'a', '', 'b');
    await writer.write([odd]);
    await writer.write([message(2, '')]);
    assert.deepEqual(written, ['a', 'b']);
    assert.match(await metrics.text(), /tollgate_ledger_events_malformed_total\{service="test"\} 2/);
  });
});
