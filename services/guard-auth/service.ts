import { setTimeout as wait } from 'node:timers/promises';
import { type Bus, connectBus, subjects, type UsageConsumer, usageConsumers } from '@tollgate/bus';
import {
  encode,
  GuardBeat,
  LeaseAsk,
  LeaseCut,
  LedgerSumsReply,
  LedgerSumsRequest,
  Release,
} from '@tollgate/contracts';
import { serveGuard } from '@tollgate/guard';
import type { Scope } from '@tollgate/lifecycle';
import { RedisConnection } from '@tollgate/redis';
import { BudgetStore } from './adapters/budget-store.ts';
import { IdempotencyStore } from './adapters/idempotency-store.ts';
import { ProbeStore } from './adapters/probe-store.ts';
import { readConfig } from './config.ts';
import { ModelMeasures } from './domain/model-measures.ts';
import { Share } from './domain/share.ts';
import { watchesOf } from './domain/threshold-watch.ts';
import { Admission } from './handlers/admission.ts';
import { Counters } from './handlers/counters.ts';
import { Degraded, degradedEveryMs } from './handlers/degraded.ts';
import { Extensions } from './handlers/extensions.ts';
import { FloorKeeper, trimEveryMs } from './handlers/floor-keeper.ts';
import { IdempotencyEnds } from './handlers/idempotency-ends.ts';
import { LiveReplicas } from './handlers/live-replicas.ts';
import { Reaper, reapEveryMs } from './handlers/reaper.ts';
import { Rebuilder } from './handlers/rebuilder.ts';
import { Releases, releaseRetryEveryMs } from './handlers/releases.ts';
import { Renewals } from './handlers/renewals.ts';
import { SelfCheck, selfCheckEveryMs } from './handlers/self-check.ts';
import { Settler } from './handlers/settler.ts';
import { Teller, tellAgainEveryMs } from './handlers/teller.ts';
import { repeat } from './repeating.ts';

const kind = 'guard-auth';
const settleMessagesMax = 100;
const settlePauseMs = 50;
const ledgerAnswersMs = 10_000;
const rebuildRetryEveryMs = 250;

export async function start(scope: Scope): Promise<{ address: string }> {
  const config = readConfig(scope.environment);
  const { logger, metrics, replica } = scope;
  const now = Date.now;

  const bus = await connectBus({ env: config.nats, service: kind, replica, logger, metrics });
  scope.defer('bus', () => bus.close());
  scope.health.check('nats', () => bus.connected() || 'NATS is away');
  await bus.config.start();
  scope.health.check('configuration', () => (bus.config.current() !== undefined && !bus.config.stale()) || 'not there');

  const hashTag = () => bus.config.current()?.organization.id;
  const redis = new RedisConnection({ url: config.redis.url, name: replica, hashTag, logger, metrics });
  scope.defer('redis', () => redis.close());
  const store = new BudgetStore(redis, { replica });
  const degraded = new Degraded({
    store,
    share: new Share(),
    replicas: followReplicas(scope, bus, now),
    usage: {
      state: () => bus.usageState(),
      read: (range) => bus.readUsage(range),
      settledSeq: () => consumer.ackFloor(),
    },
    snapshot: () => bus.config.current(),
    onGivenUp: (organizationId, requestId) => void releases.add(organizationId, requestId, false),
    ...{ logger, metrics, now },
  });
  scope.health.check('redis', () => redis.ready() || degraded.describe('the budget Redis is away or slow'));

  let lastActivityMs = 0;
  const onActivity = () => {
    lastActivityMs = now();
  };
  const rebuilder = new Rebuilder({
    store,
    usage: { state: () => bus.usageState(), read: (range) => bus.readUsage(range) },
    ledger: { sums: (request) => askLedger(bus, request) },
    askOwners: (organizationId) => void bus.publish(subjects.leaseAsk, encode(LeaseAsk, { organizationId })),
    lastActivityMs: () => lastActivityMs,
    snapshot: () => bus.config.current(),
    ...{ logger, metrics, now, wait: (ms: number) => wait(ms, undefined, { ref: false }) },
  });
  scope.health.check('budgets', () => rebuilder.waiting === 0 || degraded.describe('the counters are being rebuilt'));
  const organizations = followOrganizations(bus, redis, rebuilder);
  repeat(scope, 'rebuild', rebuildRetryEveryMs, () => rebuilder.work());

  const selfCheck = new SelfCheck({
    store: new ProbeStore(redis, replica),
    snapshot: () => bus.config.current(),
    ...{ logger, metrics, now },
  });
  scope.health.check('limits', () => selfCheck.state());
  repeat(scope, 'self-check', selfCheckEveryMs, () => selfCheck.work());

  const teller = new Teller({
    store,
    publish: (event) => bus.publishLimitEvent(event),
    snapshot: () => bus.config.current(),
    ...{ logger, metrics, now },
  });
  repeat(scope, 'telling', tellAgainEveryMs, () => teller.work());

  const measures = new ModelMeasures();
  const settler = new Settler({
    store,
    measures,
    whenBuilt: (id, ms) => rebuilder.whenBuilt(id, ms),
    watch: (organizationId, reservation) => {
      const current = bus.config.current();
      return current?.organization.id === organizationId ? watchesOf(current, reservation) : [];
    },
    tell: (organizationId, reached) => teller.tell(organizationId, reached),
    logger,
    metrics,
    now,
  });
  const consumer = await settleUsage(bus, settler);
  scope.defer('settling', () => consumer.stop());
  const floor = new FloorKeeper({ store, ackFloor: () => consumer.ackFloor(), now });
  repeat(scope, 'trimming', trimEveryMs, () => floor.trim(organizations));

  const publish = bus.usage.publish.bind(bus.usage);
  const reaper = new Reaper({ store, publish, full: () => bus.usage.full(), metrics, now });
  repeat(scope, 'reaper', reapEveryMs, async () => {
    for (const organizationId of organizations) await reaper.reap(organizationId);
  });
  const releases = new Releases({ store, publish, metrics, now });
  repeat(scope, 'releases', releaseRetryEveryMs, () => releases.work());
  const renewals = new Renewals({ store, snapshot: () => bus.config.current(), onSeen: onActivity, logger, metrics });
  listen(scope, bus, { releases, renewals, cut: (requestId) => cutIn(store, organizations, requestId) });

  repeat(scope, 'degraded', degradedEveryMs, () => degraded.work());

  const counters = new Counters({ store, snapshot: () => bus.config.current(), logger, now });
  const tell = async (bytes: Uint8Array, reply: string) => bus.reply(reply, await counters.answer(bytes));
  const asked = bus.subscribe(subjects.budgetCounters, (bytes, reply) => void tell(bytes, reply), { queue: kind });
  scope.defer('counters', () => asked.drain());

  const extensions = new Extensions({ store, at: (revision) => bus.config.at(revision), logger, metrics });
  const extend = async (bytes: Uint8Array, reply: string) => bus.reply(reply, await extensions.answer(bytes));
  const extending = bus.subscribe(subjects.leaseExtend, (bytes, reply) => void extend(bytes, reply), { queue: kind });
  scope.defer('extensions', () => extending.drain());

  const idempotency = new IdempotencyStore(redis, { bytesMax: config.TOLLGATE_IDEMPOTENCY_BYTES_MAX });
  const ends = new IdempotencyEnds({ store: idempotency, logger, metrics });
  const keep = async (bytes: Uint8Array, reply: string) => bus.reply(reply, await ends.answer(bytes));
  const ending = bus.subscribe(subjects.idempotencyEnd, (bytes, reply) => void keep(bytes, reply), { queue: kind });
  scope.defer('idempotency', () => ending.drain());

  const admission = new Admission({
    keys: bus.config,
    store,
    idempotency,
    measures,
    onUncertain: (organizationId, requestId) => void releases.add(organizationId, requestId, true),
    onRebuilding: (organizationId) => rebuilder.suspect(organizationId),
    onAdmitted: onActivity,
    unproven: (key, models) => selfCheck.unproven(key, models),
    degraded,
    onRefused: (plan, refusal, counters, snapshot) =>
      teller.refused(plan, refusal, counters[refusal.check.charge], snapshot),
    ...{ metrics, now, wait: (ms: number) => wait(ms) },
  });
  return serveGuard({
    ...{ kind: 'auth', env: config.guard, bus, logger, metrics, scope },
    handle: (request) => admission.handle(request),
    // A store that is away does not count: callers are to read `store_unavailable`, which only this guard can say.
    ready: () => bus.connected() && bus.config.current() !== undefined && !bus.config.stale(),
    revision: () => bus.config.current()?.revision ?? 0,
  });
}

/** Organizations seen since the start; each is looked at whenever it appears and whenever a server is met. */
function followOrganizations(bus: Bus, redis: RedisConnection, rebuilder: Rebuilder): ReadonlySet<string> {
  const organizations = new Set<string>();
  const add = (organizationId: string) => {
    organizations.add(organizationId);
    rebuilder.suspect(organizationId);
  };
  const current = bus.config.current();
  if (current) add(current.organization.id);
  bus.config.onChange(({ organization }) => {
    if (!organizations.has(organization.id)) add(organization.id);
  });
  redis.onServer(() => {
    for (const organizationId of organizations) rebuilder.suspect(organizationId);
  });
  return organizations;
}

function followReplicas(scope: Scope, bus: Bus, now: () => number): LiveReplicas {
  const replicas = new LiveReplicas(scope.replica, now);
  const beats = bus.subscribe(subjects.guardBeat, (bytes) => replicas.heard(GuardBeat.decode(bytes)));
  bus.onReconnect(() => replicas.missed());
  scope.defer('beats of replicas', () => beats.drain());
  return replicas;
}

function settleUsage(bus: Bus, settler: Settler): Promise<UsageConsumer> {
  return bus.consumeUsage({
    durable: usageConsumers.settle,
    batchMax: settleMessagesMax,
    onBatch: async (messages) => {
      await settler.settle(messages);
      // What was reserved holds the money meanwhile: a few larger steps cost less than many small ones.
      if (messages.length < settleMessagesMax) await wait(settlePauseMs);
    },
  });
}

async function askLedger(bus: Bus, request: LedgerSumsRequest): Promise<LedgerSumsReply> {
  const bytes = encode(LedgerSumsRequest, request);
  return LedgerSumsReply.decode(await bus.request(subjects.ledgerSums, bytes, ledgerAnswersMs));
}

/** The ingress does not know whose request it was. */
async function cutIn(store: BudgetStore, organizations: Iterable<string>, requestId: string): Promise<void> {
  for (const organizationId of organizations) await store.cut(organizationId, requestId);
}

interface Listeners {
  releases: Releases;
  renewals: Renewals;
  cut(requestId: string): Promise<void>;
}

function listen(scope: Scope, bus: Bus, { releases, renewals, cut }: Listeners): void {
  const handlers: [subject: string, handle: (bytes: Uint8Array) => Promise<void>][] = [
    [subjects.leaseRenew, (bytes) => renewals.handle(bytes)],
    [subjects.leaseCut, (bytes) => cut(LeaseCut.decode(bytes).requestId)],
    [
      subjects.release,
      async (bytes) => {
        const { organizationId, requestId } = Release.decode(bytes);
        await releases.add(organizationId, requestId, false);
      },
    ],
  ];
  const subscriptions = handlers.map(([subject, handle]) =>
    bus.subscribe(
      subject,
      (bytes) => {
        handle(bytes).catch((error) => scope.logger.error({ err: error, subject }, 'message not understood'));
      },
      { queue: kind },
    ),
  );
  scope.defer('leases', () => Promise.all(subscriptions.map((subscription) => subscription.drain())));
}
