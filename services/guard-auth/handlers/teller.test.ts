import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { type Bus, connectBus } from '@tollgate/bus';
import { type ConfigSnapshot, windowBounds } from '@tollgate/config';
import { LimitEvent, type UsageEvent } from '@tollgate/contracts';
import { createMetrics } from '@tollgate/telemetry';
import { startEngines, type TestEngines } from '@tollgate/testing/engines';
import type { BudgetStore } from '../adapters/budget-store.ts';
import { limitsOf } from '../domain/limits.ts';
import { type Plan, planCharges, refusalOf } from '../domain/plan.ts';
import { settlementOf } from '../domain/settlement.ts';
import { type Reached, watchesOf } from '../domain/threshold-watch.ts';
import * as given from '../testing/harness.ts';
import { Rebuilder } from './rebuilder.ts';
import { Teller } from './teller.ts';

// Counters in a real Redis, events in a real JetStream stream.

const { startedAtMs } = given;
const { startMs: windowStartMs, endMs: windowEndMs } = windowBounds('1h', 'UTC', startedAtMs);
let engines: TestEngines;
let bus: Bus;
let store: BudgetStore;
let round = 0;
let organizationId: string;
let snapshot: ConfigSnapshot;
let seq = 0;

before(async () => {
  engines = await startEngines({ only: ['nats', 'redis'] });
  const { user, password } = engines.nats.credentials;
  const env = { url: engines.nats.address, user, password };
  bus = await connectBus({
    env,
    service: 'test',
    replica: 'test-1',
    logger: given.logger,
    metrics: createMetrics('t'),
  });
  await bus.ensureTopology({ replicas: 1, usageBytesMax: 2 ** 20 });
  store = await given.connectStore(engines.redis.url);
});
after(async () => {
  store.redis.close();
  await bus.close(100);
  await engines.close();
});
beforeEach(async () => {
  // The stream keeps what earlier tests told, so each has an organization of its own.
  organizationId = `acme-${round++}`;
  limitOf(1000);
  await open();
});

/** Counters that are there, and empty. */
async function open(): Promise<void> {
  await store.redis.command('FLUSHALL');
  await store.redis.command('SET', store.keys(organizationId).epoch, store.redis.runId);
}

function limitOf(amount: number): void {
  const of = given.snapshot({ team: [given.tokenLimit(amount)] });
  snapshot = { ...of, organization: { id: organizationId, name: 'Acme' } };
}

const receipt = (id: string) => ({
  ...given.receipt(id, [given.reservation({ windowStartMs, windowEndMs })]),
  organizationId,
});
const measured = (id: string, tokens: number) => given.measured(receipt(id), tokens, 0);
const estimated = (id: string, tokens: number) => ({ ...measured(id, tokens), version: 2 });

async function settle(...events: UsageEvent[]): Promise<Reached[]> {
  const settlements = events.map((event) => settlementOf(event, ++seq, startedAtMs));
  const known = settlements.filter((settlement) => settlement !== undefined);
  const reached = await store.settleWatching(organizationId, known, (one) => watchesOf(snapshot, one));
  return reached ?? assert.fail('the counters are there');
}

function teller(publish = (event: LimitEvent) => bus.publishLimitEvent(event)): { by: Teller; told: LimitEvent[] } {
  const told: LimitEvent[] = [];
  const by = new Teller({
    store,
    publish: async (event) => {
      const isNew = await publish(event);
      if (isNew) told.push(event);
      return isNew;
    },
    snapshot: () => snapshot,
    logger: given.logger,
    metrics: createMetrics('test'),
    now: () => startedAtMs,
  });
  return { by, told };
}

const percents = (told: LimitEvent[]) => told.map(({ percent }) => percent);

/** What is told anew when these events are settled. */
async function tells(...events: UsageEvent[]): Promise<number[]> {
  const { by, told } = teller();
  await by.tell(organizationId, await settle(...events));
  return percents(told);
}

test('each threshold is told when what was spent reaches it, and once', async () => {
  assert.deepEqual(await tells(measured('r1', 499)), []);
  assert.deepEqual(await tells(measured('r2', 1)), [50]);
  assert.deepEqual(await tells(measured('r3', 299)), []);
  assert.deepEqual(await tells(measured('r4', 1)), [80]);
  assert.deepEqual(await tells(measured('r5', 500)), [100]);
  assert.deepEqual(await tells(measured('r6', 500)), []);
  assert.deepEqual(await settle(measured('r7', 1)), [], 'nothing is left to say');
});

test('a jump over two thresholds tells both, the lower first, with what was spent', async () => {
  const { by, told } = teller();
  await by.tell(organizationId, await settle(measured('r1', 900)));
  assert.deepEqual(percents(told), [50, 80]);
  const [first, second] = told;
  assert.notEqual(first?.id, second?.id);
  const { spent, amount, team, teamId, project, scope, window, kind, mode } = first ?? assert.fail();
  assert.deepEqual(
    { spent, amount, team, teamId, project, scope, window, kind, mode },
    {
      ...{ spent: 900, amount: 1000, team: 'engineering', teamId: 'sample.engineering', project: 'sample' },
      ...{ scope: 'team', window: '1h', kind: 'threshold', mode: 'hard' },
    },
  );
});

test('a settler that dies before it tells: the same event again has the same ids', async () => {
  const event = measured('r1', 600);
  const lost = await settle(event);
  const again = await settle(event);
  assert.deepEqual(again, lost);
  const one = teller();
  await one.by.tell(organizationId, again);
  assert.deepEqual(percents(one.told), [50]);
  // And one that died after it was told, before that was noted.
  assert.deepEqual(await tells(event), []);
  const other = teller();
  await other.by.tell(organizationId, lost);
  assert.deepEqual(other.told, []);
  assert.deepEqual(await settle(event), []);
});

test('an event below the floor, which charges nothing any more, still says what nobody was told of', async () => {
  const event = measured('r1', 600);
  await settle(event);
  await store.redis.command('SET', store.keys(organizationId).floor, seq + 1);
  assert.deepEqual(await tells(event), [50]);
});

test('a correction down and usage up again tell nothing twice', async () => {
  assert.deepEqual(await tells(estimated('r1', 850)), [50, 80]);
  assert.deepEqual(await tells(measured('r1', 100)), []);
  assert.deepEqual(await tells(measured('r2', 500)), []);
  assert.deepEqual(await tells(measured('r3', 400)), [100]);
});

test('a limit that changes in its window: the new one tells for itself, the old one not again', async () => {
  assert.deepEqual(await tells(measured('r1', 850)), [50, 80]);
  limitOf(2000);
  assert.deepEqual(await tells(measured('r2', 10)), []);
  assert.deepEqual(await tells(measured('r3', 140)), [50]);
  limitOf(1000);
  assert.deepEqual(await tells(measured('r4', 1)), [100]);
  limitOf(100);
  assert.deepEqual(await tells(measured('r5', 1)), [50, 80, 100]);
});

test('on a server that was wiped nothing is told again that the stream holds', async () => {
  assert.deepEqual(await tells(measured('r1', 600)), [50]);
  await open();
  assert.deepEqual(await tells(measured('r1', 600), measured('r2', 250)), [80]);
  assert.deepEqual(await settle(measured('r3', 1)), [], 'and it is noted as told');
});

test('a rebuild from USAGE tells nothing again, and afterwards what it found untold', async () => {
  assert.deepEqual(await tells(measured('r1', 600)), [50]);
  const events = [measured('r1', 600), measured('r2', 250)];
  const messages = events.map((event, at) => ({
    seq: at + 1,
    redelivered: false,
    batch: { batchId: String(at), replica: 'owner', events: [event] },
  }));
  await store.redis.command('FLUSHALL');
  const rebuilder = new Rebuilder({
    store,
    usage: {
      state: async () => ({ firstSeq: 1, lastSeq: messages.length }),
      read: async function* () {
        yield* messages;
      },
    },
    ledger: { sums: () => assert.fail('USAGE has its first message') },
    askOwners: () => {},
    lastActivityMs: () => 0,
    snapshot: () => snapshot,
    logger: given.logger,
    metrics: createMetrics('test'),
    now: () => startedAtMs,
    wait: async () => {},
  });
  rebuilder.suspect(organizationId);
  while (rebuilder.waiting > 0) await rebuilder.work();
  // The settler that died before it told the second event gets it again; the floor covers it by now.
  const settlement = settlementOf(events[1] ?? assert.fail(), 2, startedAtMs) ?? assert.fail();
  const reached = await store.settleWatching(organizationId, [settlement], (one) => watchesOf(snapshot, one));
  const { by, told } = teller();
  await by.tell(organizationId, reached ?? assert.fail());
  assert.deepEqual(percents(told), [80]);
});

test('what nobody takes is kept, said again and does not stop the others', async () => {
  let away = true;
  const { by, told } = teller(async (event) => {
    if (away && event.percent === 50) throw new Error('JetStream is away');
    return bus.publishLimitEvent(event);
  });
  await by.tell(organizationId, await settle(measured('r1', 900)));
  assert.deepEqual([percents(told), by.waiting], [[80], 1]);
  away = false;
  await by.work();
  assert.deepEqual([percents(told), by.waiting], [[80, 50], 0]);
  // Not noted before all of it was told.
  await by.tell(organizationId, await settle(measured('r2', 1)));
  assert.deepEqual(percents(told), [80, 50]);
  assert.deepEqual(await settle(measured('r3', 1)), []);
});

test('noting a counter that is gone does not bring it back', async () => {
  const reached = await settle(measured('r1', 600));
  const { counter } = reached[0]?.watch ?? assert.fail();
  await store.redis.command('DEL', store.keys(organizationId).counter(counter));
  await teller().by.tell(organizationId, reached);
  assert.equal(await store.redis.command('EXISTS', store.keys(organizationId).counter(counter)), 0);
});

/** What a request of 100 tokens would charge. */
function plan(): Plan {
  const need = { promptTokens: 60, completionTokens: 40, guessed: false, costNanoUsd: 1, promptCostNanoUsd: 1 };
  const caller = { keyId: 'k', user: '', metadata: {} };
  return planCharges(limitsOf(snapshot, 'sample.engineering'), need, caller, ({ window, timeZone }) =>
    windowBounds(window, timeZone, startedAtMs),
  );
}

/** What is told when this plan is refused on such a counter, by a replica of its own. */
async function refused(by: Teller, counter: { spent: number; reserved: number }): Promise<void> {
  const refusal = refusalOf(plan(), [counter]) ?? assert.fail('it is not refused');
  by.refused(plan(), refusal, counter, snapshot);
  await new Promise((resolve) => setImmediate(resolve));
  // The publication in hand, if there is one.
  await bus.publishLimitEvent(sentinel());
}

let sentinels = 0;
const sentinel = () => ({
  ...LimitEvent.decode(new Uint8Array(0)),
  ...{ organizationId: 'sentinels', id: String(sentinels++) },
});

test('a limit that began to refuse is told once in its window, by whichever replica comes first', async () => {
  const { by, told } = teller();
  await refused(by, { spent: 950, reserved: 0 });
  await refused(by, { spent: 960, reserved: 0 });
  const other = teller();
  await refused(other.by, { spent: 970, reserved: 0 });
  assert.deepEqual(
    [...told, ...other.told].map(({ kind, percent, spent, amount }) => ({ kind, percent, spent, amount })),
    [{ kind: 'refused', percent: 0, spent: 950, amount: 1000 }],
  );
});

test('what running requests only hold is no refusal to tell of, nor is a rate', async () => {
  const { by, told } = teller();
  await refused(by, { spent: 100, reserved: 850 });
  snapshot = { ...given.snapshot({ team: [given.tokenLimit(1000, '1m')] }), organization: snapshot.organization };
  await refused(by, { spent: 950, reserved: 0 });
  assert.deepEqual(told, []);
});
