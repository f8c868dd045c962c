import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { subjects } from '@tollgate/bus';
import { LedgerSumsReply, LedgerSumsRequest, RequestStatus } from '@tollgate/contracts';
import { migrate, rebuildRollup } from '@tollgate/ledger';
import { usageEvent } from './testing/events.ts';
import { type Replica, startSystem, type TestSystem } from './testing/system.ts';

const limit = { timeout: 60_000 };

describe('analytics', () => {
  let system: TestSystem;
  let published = 0;
  before(async () => {
    system = await startSystem();
  });
  after(() => system?.close());

  /** So many requests, each published by its own turn of the event loop, acknowledged by JetStream. */
  const publish = async (count: number) => {
    for (let i = 0; i < count; i++) {
      system.bus.usage.publish(usageEvent(`r-${published++}`));
      if (i % 3 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    assert.equal(await system.bus.usage.flush(10_000), true);
  };
  const untilReady = async (replica: Replica, ready: boolean) => {
    for (;;) {
      const { status, text } = await replica.readiness();
      if ((status === 200) === ready) return text;
      await delay(50);
    }
  };
  const seen = () =>
    system.ledger.rows<{ n: number; distinct: number; tokens: number; cost: number }>(
      `SELECT count() AS n, uniqExact(request_id) AS distinct, sum(prompt_tokens + completion_tokens) AS tokens, sum(cost_nano_usd) AS cost
       FROM usage`,
    );
  const expected = () => [{ n: published, distinct: published, tokens: published * 120, cost: published * 1000 }];

  it('writes each request once, from several replicas, with the sequence that brought it', limit, async () => {
    const replicas = await Promise.all([system.startReplica(), system.startReplica()]);
    await publish(500);
    await system.untilRequests(published);
    assert.deepEqual(await seen(), expected());
    const [row] = await system.ledger.rows<{ first: number; last: number }>(
      'SELECT min(stream_seq) AS first, max(stream_seq) AS last FROM usage',
    );
    const { lastSeq, bytes, bytesMax } = await system.bus.usageState();
    assert.deepEqual(row, { first: 1, last: lastSeq });
    assert.equal(bytesMax, 256 * 1024 * 1024);
    for (const replica of replicas) {
      while ((await replica.metric('tollgate_usage_stream_bytes')) !== bytes) await delay(50);
      assert.equal(await replica.metric('tollgate_usage_stream_max_bytes'), bytesMax);
      await untilReady(replica, true);
      assert.equal(await replica.stop('SIGTERM'), 0);
    }
  });

  it('holds what it has while ClickHouse is away, says so, and writes all of it afterwards', limit, async () => {
    const replica = await system.startReplica({ TOLLGATE_ANALYTICS_BATCH_MAX: '20' });
    await untilReady(replica, true);
    await system.engines.clickhouse.stop();
    await publish(300);
    const text = await untilReady(replica, false);
    assert.match(text, /"ledger":"[^"]*ECONNREFUSED/);
    assert.equal(await replica.metric('tollgate_ledger_rows_written_total'), 0);
    await system.engines.clickhouse.start();
    await system.untilRequests(published);
    await untilReady(replica, true);
    assert.deepEqual(await seen(), expected());
    assert.ok((await replica.metric('tollgate_ledger_write_failures_total')) > 0);
    await replica.stop('SIGTERM');
  });

  it('loses and doubles nothing when it, or ClickHouse, is killed in the middle', limit, async () => {
    for (let round = 0; round < 2; round++) {
      const replica = await system.startReplica({
        TOLLGATE_ANALYTICS_BATCH_MAX: '10',
        TOLLGATE_ANALYTICS_PAUSE_MS: '0',
      });
      const publishing = publish(200);
      const [row] = await seen();
      // As soon as it has begun to write, and so with a batch in hand.
      for (let now = row?.n ?? 0; now === row?.n; now = (await seen())[0]?.n ?? 0) await delay(5);
      if (round % 2 === 0) {
        await replica.stop('SIGKILL');
      } else {
        await system.engines.clickhouse.kill();
        await system.engines.clickhouse.start();
        await replica.stop('SIGKILL');
      }
      await publishing;
    }
    const last = await system.startReplica();
    await system.untilRequests(published);
    assert.deepEqual(await seen(), expected());
    await last.stop('SIGTERM');
  });

  it('goes on when NATS was away', limit, async () => {
    const replica = await system.startReplica();
    await untilReady(replica, true);
    await system.engines.nats.kill();
    await untilReady(replica, false);
    await system.engines.nats.start();
    await publish(50);
    await system.untilRequests(published);
    assert.deepEqual(await seen(), expected());
    await replica.stop('SIGTERM');
  });

  it('keeps the rollups equal to the rows', limit, async () => {
    const rollup = () =>
      system.ledger.rows(
        'SELECT sum(requests) AS n, sum(prompt_tokens + completion_tokens) AS tokens, sum(cost_nano_usd) AS cost FROM usage_hourly FINAL',
      );
    const replica = await system.startReplica({ TOLLGATE_ANALYTICS_ROLLUP_MS: '200' });
    await publish(10);
    await system.untilRequests(published);
    const { n, tokens, cost } = expected()[0] as ReturnType<typeof expected>[0] & object;
    for (let fresh = false; !fresh; await delay(50))
      fresh = JSON.stringify(await rollup()) === JSON.stringify([{ n, tokens, cost }]);
    await replica.stop('SIGTERM');
    await rebuildRollup(system.ledger, Date.UTC(2026, 9, 20), Date.UTC(2026, 9, 21));
    assert.deepEqual(await rollup(), [{ n, tokens, cost }]);
  });

  it('answers the sums that budgets are rebuilt from, up to what it has acknowledged', limit, async () => {
    const replica = await system.startReplica();
    const abandoned = { version: 1, status: RequestStatus.ABANDONED, costNanoUsd: 5 };
    const startedAtMs = Date.now() - 1000;
    system.bus.usage.publish(usageEvent('guess', abandoned, { organizationId: 'o-2', teamId: 't-9', startedAtMs }));
    system.bus.usage.publish(usageEvent('real', {}, { organizationId: 'o-2', teamId: 't-9', startedAtMs }));
    system.bus.usage.publish(
      usageEvent(
        'refused',
        { billed: undefined, costNanoUsd: 0 },
        { organizationId: 'o-2', startedAtMs, reservations: [] },
      ),
    );
    assert.equal(await system.bus.usage.flush(10_000), true);
    published += 3;
    await system.untilRequests(published);
    const window = {
      scope: 'team',
      scopeId: 't-9',
      startMs: startedAtMs - 1000,
      endMs: startedAtMs + 1000,
      models: [],
      selector: '',
      quantity: '',
      window: '',
    };
    const request = LedgerSumsRequest.encode({ organizationId: 'o-2', windows: [window], upToSeq: 0 }).finish();
    const ask = async () => LedgerSumsReply.decode(await system.bus.request(subjects.ledgerSums, request, 5000));
    const { lastSeq } = await system.bus.usageState();
    let reply = await ask();
    while (reply.acknowledgedSeq < lastSeq) reply = await ask();
    assert.equal(reply.error, '');
    const rareTokens = { cacheWritePrompt: undefined, audioPrompt: undefined, audioCompletion: undefined };
    assert.deepEqual(reply.sums, [
      {
        window,
        billed: { prompt: 200, completion: 40, cachedPrompt: 0, reasoning: 0, ...rareTokens },
        costNanoUsd: 1005,
        requests: 2,
        values: [],
      },
    ]);
    assert.deepEqual(
      reply.unmeasured.map(({ requestId, version, costNanoUsd, receipt }) => [
        requestId,
        version,
        costNanoUsd,
        receipt?.startedAtMs,
      ]),
      [['guess', 1, 5, startedAtMs]],
    );
    await system.engines.clickhouse.stop();
    assert.notEqual((await ask()).error, '');
    await system.engines.clickhouse.start();
    await replica.stop('SIGTERM');
  });
});

describe('analytics before its ledger', () => {
  let system: TestSystem;
  before(async () => {
    system = await startSystem({ migrated: false });
  });
  after(() => system?.close());

  it('starts, waits for a schema that fits, and begins by itself', limit, async () => {
    const replica = await system.startReplica();
    system.bus.usage.publish(usageEvent('early'));
    assert.equal(await system.bus.usage.flush(10_000), true);
    for (let text = ''; !text.includes('npx tollgate migrate'); await delay(50))
      text = (await replica.readiness()).text;
    await migrate(system.ledger);
    await system.untilRequests(1);
    await replica.stop('SIGTERM');
  });
});
