import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { subjects, usageConsumers } from '@tollgate/bus';
import { type ReconcileFinding, ReconcileReply, RequestStatus } from '@tollgate/contracts';
import { insertUsage, refreshRollups, toUsageRow } from '@tollgate/ledger';
import { type Counters, settleAndTell } from './testing/counters.ts';
import { usageEvent } from './testing/events.ts';
import { type Replica, startSystem, type TestSystem } from './testing/system.ts';

const limit = { timeout: 120_000 };

describe('the reconciler', () => {
  let system: TestSystem;
  let replica: Replica;
  let counters: Counters;
  let published = 0;
  before(async () => {
    system = await startSystem();
    counters = await settleAndTell(system.bus);
    replica = await system.startReplica({ TOLLGATE_ANALYTICS_BATCH_MAX: '50', TOLLGATE_ANALYTICS_PAUSE_MS: '0' });
  });
  after(async () => {
    await counters?.stop();
    await system?.close();
  });
  beforeEach(() => Object.assign(counters, { wrongBy: 0, leaked: 0, floorSeq: 0, error: '' }));

  const reconcile = async () => {
    const bytes = await system.bus.request(subjects.ledgerReconcile, new Uint8Array(0), 60_000);
    const reply = ReconcileReply.decode(bytes);
    assert.equal(reply.error, '');
    return reply;
  };
  const whole = (findings: readonly ReconcileFinding[]) =>
    Object.fromEntries(findings.filter(({ what }) => what === '').map(({ compared, outcome }) => [compared, outcome]));
  const single = (findings: readonly ReconcileFinding[]) => findings.filter(({ what }) => what !== '');
  const allEqual = { rows: 'equal', sequences: 'equal', budgets: 'equal', rollups: 'equal' };
  const publish = async (count: number) => {
    for (let i = 0; i < count; i++) {
      const id = `r-${published++}`;
      // Some come as a guess first; the guess is the larger one.
      if (published % 10 === 0) {
        const billed = { prompt: 900, completion: 100, cachedPrompt: 0, reasoning: 0 };
        system.bus.usage.publish(usageEvent(id, { version: 1, status: RequestStatus.ABANDONED, billed }));
        await new Promise((resolve) => setImmediate(resolve));
      }
      system.bus.usage.publish(usageEvent(id));
      if (published % 3 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    assert.equal(await system.bus.usage.flush(10_000), true);
  };
  const untilQuiet = async () => {
    await system.untilRequests(published);
    for (const durable of Object.values(usageConsumers)) {
      const { lastSeq } = await system.bus.usageState();
      while ((await system.bus.usageAckFloor(durable)) < lastSeq)
        await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };

  it(
    'finds nothing where nothing is wrong: before the first request, after many, with rows merged away',
    limit,
    async () => {
      // The consumers are there when their services have begun.
      for (let outcome = ''; outcome !== JSON.stringify(allEqual); )
        outcome = JSON.stringify(whole((await reconcile()).findings));
      await publish(3000);
      await untilQuiet();
      await system.ledger.command('OPTIMIZE TABLE usage_events FINAL');
      const { findings } = await reconcile();
      assert.deepEqual(whole(findings), allEqual);
      assert.deepEqual(single(findings), []);
      const { lastSeq } = await system.bus.usageState();
      assert.equal(findings.find(({ compared }) => compared === 'rows')?.expected, lastSeq);
      assert.equal(findings.find(({ compared }) => compared === 'budgets')?.expected, 1);
    },
  );

  it('finds nothing while requests come, whatever of them is in flight', limit, async () => {
    let done = false;
    const busy = (async () => {
      for (; !done; await new Promise((resolve) => setTimeout(resolve, 200))) await publish(50);
    })();
    try {
      for (let round = 0; round < 5; round++) {
        const { findings } = await reconcile();
        assert.deepEqual([whole(findings), single(findings)], [allEqual, []]);
      }
    } finally {
      done = true;
      await busy;
    }
  });

  it('names a counter that is wrong by one token, in the answer, the table and the metric', limit, async () => {
    await untilQuiet();
    counters.wrongBy = -1;
    const { run, findings } = await reconcile();
    assert.deepEqual(whole(findings), { ...allEqual, budgets: 'differs' });
    const what = 'team t-1: tokens 1d since 2026-10-20T00:00:00.000Z';
    const found = { what, expected: published * 120, found: published * 120 - 1 };
    assert.deepEqual(
      single(findings).map(({ what, expected, found }) => ({ what, expected, found })),
      [found],
    );
    const rows = await system.ledger.rows(
      `SELECT what, expected, found FROM reconciliations WHERE run = {run:String} AND outcome = 'differs' AND what != ''`,
      { run },
    );
    assert.deepEqual(rows, [found]);
    const metrics = async () => (await fetch(`${replica.health}/metrics`)).text();
    assert.match(await metrics(), /tollgate_reconciliation_differences\{.*compared="budgets".*\} 1\n/);
    counters.wrongBy = 1;
    assert.deepEqual(
      single((await reconcile()).findings).map(({ found }) => found),
      [published * 120 + 1],
    );
    counters.wrongBy = 0;
    await reconcile();
    assert.match(await metrics(), /tollgate_reconciliation_differences\{.*compared="budgets".*\} 0\n/);
  });

  it('names a counter that has more reserved than the leases hold', limit, async () => {
    await untilQuiet();
    counters.leaked = 500;
    assert.deepEqual(
      single((await reconcile()).findings).map(({ what, expected, found }) => [what, expected, found]),
      [['team t-1: tokens 1d since 2026-10-20T00:00:00.000Z', 0, 500]],
    );
  });

  it('names a request whose row is gone, and the budget that lacks it', limit, async () => {
    await untilQuiet();
    // A message that is a request's alone: what shares one with others is found by the sample, in this run or a later one.
    const [alone] = await system.ledger.rows<{ id: string }>(
      `SELECT any(request_id) AS id FROM usage_events GROUP BY stream_seq
       HAVING count() = 1 AND any(version) = 3 AND NOT endsWith(id, '9') ORDER BY stream_seq LIMIT 1`,
    );
    assert.ok(alone);
    const [kept] = await system.ledger.rows<{ seq: number }>(
      'SELECT max(stream_seq) AS seq FROM usage_events WHERE request_id = {id:String}',
      alone,
    );
    const gone = toUsageRow(usageEvent(alone.id), kept?.seq ?? 0);
    await system.ledger.command(
      `ALTER TABLE usage_events DELETE WHERE request_id = '${alone.id}'`,
      {},
      { settings: { mutations_sync: '1' } },
    );
    const { findings } = await reconcile();
    assert.deepEqual(whole(findings), { ...allEqual, rows: 'differs', budgets: 'differs' });
    const [row] = single(findings);
    assert.deepEqual([row?.what, row?.expected, row?.found], [`request ${alone.id}`, 3, 0]);
    await insertUsage(system.ledger, [gone]);
    assert.deepEqual(whole((await reconcile()).findings), allEqual);
  });

  it('notices sequences that USAGE never gave', limit, async () => {
    const { lastSeq } = await system.bus.usageState();
    counters.floorSeq = lastSeq + 1;
    const { findings } = await reconcile();
    assert.deepEqual(
      single(findings).map(({ what, expected, found }) => [what, expected, found]),
      [['floor', lastSeq, lastSeq + 1]],
    );
    counters.floorSeq = 0;
    // Of another team: the counter of the first one stays right.
    await insertUsage(system.ledger, [toUsageRow(usageEvent('beyond', {}, { teamId: 't-2' }), lastSeq + 7)]);
    assert.deepEqual(
      single((await reconcile()).findings).map(({ what, found }) => [what, found]),
      [['rows', lastSeq + 7]],
    );
    await system.ledger.command(
      `ALTER TABLE usage_events DELETE WHERE stream_seq > ${lastSeq}`,
      {},
      { settings: { mutations_sync: '1' } },
    );
  });

  it(
    'lets a counter be that is younger than its window, and knows a counter that holds less than was reserved on it',
    limit,
    async () => {
      const before = usageEvent(`r-${published++}`, {}, { reservations: [{ ...reservationElsewhere() }] });
      system.bus.usage.publish(before);
      assert.equal(await system.bus.usage.flush(10_000), true);
      await untilQuiet();
      assert.deepEqual(single((await reconcile()).findings), []);
      counters.wrongBy = -1;
      assert.deepEqual(
        single((await reconcile()).findings).map(({ expected, found }) => [expected, found]),
        [[(published - 1) * 120, (published - 1) * 120 - 1]],
      );
    },
  );

  it('says what it could not compare, and why', limit, async () => {
    counters.error = 'the counters are being rebuilt';
    const { findings } = await reconcile();
    assert.deepEqual(whole(findings), { ...allEqual, sequences: 'skipped', budgets: 'skipped' });
    assert.match(findings.find(({ compared }) => compared === 'budgets')?.detail ?? '', /being rebuilt/);
  });

  it('runs by itself, once for all replicas', limit, async () => {
    const runs = async () => {
      const [row] = await system.ledger.rows<{ n: number }>('SELECT uniqExact(run) AS n FROM reconciliations');
      return row?.n ?? 0;
    };
    const before = await runs();
    const env = { TOLLGATE_ANALYTICS_RECONCILE_MS: '1000' };
    const both = await Promise.all([system.startReplica(env), system.startReplica(env)]);
    const age = async () => Promise.all(both.map((one) => one.metric('tollgate_reconciliation_runs_total')));
    while ((await runs()) < before + 3) await new Promise((resolve) => setTimeout(resolve, 50));
    assert.ok((await age()).some((count) => count > 0));
    for (const one of both) assert.equal(await one.stop('SIGTERM'), 0);
  });

  it('names a sum by hour, and one by day and key, that is not that of its rows', limit, async () => {
    const inLastDay = Date.now() - 2 * 3_600_000;
    const yesterday = Math.floor(Date.now() / 86_400_000) * 86_400_000 - 1;
    const more = { teamId: 't-3', reservations: [] };
    system.bus.usage.publish(usageEvent('in-the-last-day', {}, { ...more, startedAtMs: inLastDay }));
    system.bus.usage.publish(usageEvent('of-yesterday', {}, { ...more, startedAtMs: yesterday, keyId: 'k-3' }));
    assert.equal(await system.bus.usage.flush(10_000), true);
    await system.untilRequests(published + 2);
    await refreshRollups(system.ledger);
    // As if it had come long before that refresh.
    await system.ledger.command(
      "ALTER TABLE usage_events UPDATE inserted_at = inserted_at - INTERVAL 1 DAY WHERE team_id = 't-3'",
      {},
      { settings: { mutations_sync: '1' } },
    );
    const compared = async () => {
      const findings = (await reconcile()).findings.filter(({ compared }) => compared === 'rollups');
      return findings.map(({ what, expected, found }) => [what, expected - found]);
    };
    assert.deepEqual(await compared(), [['', 0]]);
    await system.ledger.command(
      `INSERT INTO usage_hourly SELECT * REPLACE (rollup_version + 1 AS rollup_version, cost_nano_usd - 1 AS cost_nano_usd)
       FROM usage_hourly FINAL WHERE team_id = 't-3' AND hour = toStartOfHour(fromUnixTimestamp64Milli(${inLastDay}))`,
    );
    await system.ledger.command(
      `INSERT INTO usage_daily_by_key SELECT * REPLACE (rollup_version + 1 AS rollup_version, prompt_tokens + 1 AS prompt_tokens)
       FROM usage_daily_by_key FINAL WHERE key_id = 'k-3'`,
    );
    const hour = new Date(Math.floor(inLastDay / 3_600_000) * 3_600_000).toISOString();
    const day = new Date(yesterday + 1 - 86_400_000).toISOString();
    assert.deepEqual(await compared(), [
      ['', 2],
      [`hour ${hour} of team t-3, model 'gpt-4o': cost_nano_usd`, 1],
      [`day ${day} of team t-3, key k-3, model 'gpt-4o': prompt_tokens`, -1],
    ]);
  });
});

function reservationElsewhere() {
  const [reservation] = usageEvent('any').receipt?.reservations ?? [];
  assert.ok(reservation);
  return { ...reservation, quantity: 'requests' };
}
