import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { outage } from './testing/outage.ts';
import { startSystem, type TestSystem } from './testing/system.ts';

// ClickHouse is away while usage keeps coming. 5,000 events in `npm run test:faults`; `npm run test:outage` has those of an hour at 500 requests a second, 1,800,000.

const events = Number(process.env.TOLLGATE_TEST_OUTAGE_EVENTS ?? 5_000);
/** Of a default installation. */
const usageBytesMax = 8 * 2 ** 30;
/** What it may grow by while it can write nothing, of whatever number of events: it holds two batches. */
const growthBytesMax = 64 * 2 ** 20;
/** At full load the collector lets a heap grow; of whatever number of events. */
const rssBytesMax = 640 * 2 ** 20;
const mib = (bytes: number) => `${(bytes / 2 ** 20).toFixed(0)} MiB`;

let system: TestSystem;
before(async () => {
  system = await startSystem({ usageBytesMax });
});
after(() => system?.close());

test(`ClickHouse away for ${events} requests: bounded memory, nothing lost, nothing twice, caught up by itself`, async (t) => {
  const replica = await system.startReplica({ TOLLGATE_LOG_LEVEL: 'silent' });
  const report = await outage(system, replica, events, (line) => t.diagnostic(line));
  const { published, ledger, rss, streamBytes, messages, catchUpSeconds } = report;
  t.diagnostic(
    `USAGE: ${messages} messages, ${mib(streamBytes)} of ${mib(usageBytesMax)}, ${(streamBytes / published.requests).toFixed(0)} bytes a request`,
  );
  t.diagnostic(
    `published in ${report.publishSeconds.toFixed(1)} s; in the ledger ${catchUpSeconds.toFixed(1)} s after ClickHouse was back`,
  );
  t.diagnostic(`catching up: ${Math.round(events / catchUpSeconds)} requests a second`);
  t.diagnostic(
    `resident memory of analytics: ${mib(rss.before)} before, at most ${mib(rss.maxWhileAway)} while away, ${mib(rss.maxCatchingUp)} catching up`,
  );
  assert.deepEqual(ledger, { ...published, uniqueRequests: published.requests });
  assert.equal(report.missing, 0);
  // Nothing was acknowledged that was not written: JetStream holds it, and analytics does not.
  assert.equal(report.ackFloorAtReturn, report.ackFloorAtStop);
  assert.ok(streamBytes < usageBytesMax);
  assert.ok(rss.maxWhileAway - rss.before < growthBytesMax, `${mib(rss.before)} grew to ${mib(rss.maxWhileAway)}`);
  assert.ok(rss.maxCatchingUp < rssBytesMax, mib(rss.maxCatchingUp));
});
