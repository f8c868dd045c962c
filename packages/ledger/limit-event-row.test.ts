import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { LimitEvent } from '@tollgate/contracts';
import { insertLimitEvents, toLimitEventRow } from './limit-event-row.ts';
import { startLedger, type TestLedger } from './testing/ledger.ts';
import { HOUR_MS, NOON_MS } from './testing/rows.ts';

const event: LimitEvent = {
  ...{ id: 'lim_1', kind: 'threshold', atMs: NOON_MS + 1234, organizationId: 'acme', projectId: 'p', project: 'P' },
  ...{ teamId: 'p.t', team: 'T', scope: 'team', scopeId: 'p.t', scopeName: 'T', quantity: 'tokens', window: '1h' },
  ...{ windowStartMs: NOON_MS, windowEndMs: NOON_MS + HOUR_MS, selector: 'm-x', value: 'v', mode: 'hard' },
  ...{ amount: 9_000_000_000_000_000, models: ['gpt-4o'], per: 'user', timeZone: 'UTC', percent: 80 },
  ...{ spent: 8_000_000_000_000_001, reserved: 7, revision: 3 },
};

describe('events of limits', () => {
  let ledger: TestLedger;
  before(async () => {
    ledger = await startLedger();
  });
  after(() => ledger?.close());

  it('are one row an id, whole, however often and in whatever batches they come', async () => {
    const client = await ledger.database('limit_events');
    const rows = [toLimitEventRow(event, 7), toLimitEventRow({ ...event, id: 'lim_2', percent: 100 }, 8)];
    await insertLimitEvents(client, rows);
    await insertLimitEvents(client, rows.slice(0, 1));
    await insertLimitEvents(client, [...rows, ...rows]);
    const found = await client.rows('SELECT * FROM limit_events ORDER BY id');
    const stored = rows.map((row) => row);
    assert.deepEqual(
      found.map((row) => Object.fromEntries(Object.entries(row as object).sort())),
      stored.map((row) => Object.fromEntries(Object.entries(row).sort())),
    );
    assert.equal((found[0] as { at: string }).at, '2026-10-20 12:00:01.234');
  });
});
