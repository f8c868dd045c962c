import { setTimeout as delay } from 'node:timers/promises';
import {
  type BatchConsumer,
  type Bus,
  connectBus,
  eventConsumers,
  subjects,
  type UsageConsumer,
  usageConsumers,
} from '@tollgate/bus';
import { BudgetCountersReply, BudgetCountersRequest, encode } from '@tollgate/contracts';
import { connect } from '@tollgate/ledger';
import type { Scope } from '@tollgate/lifecycle';
import { LedgerStore } from './adapters/ledger-store.ts';
import { readConfig } from './config.ts';
import { backoffMs } from './domain/backoff.ts';
import { LimitEvents } from './handlers/limit-events.ts';
import { compareBudgets } from './handlers/reconcile/budgets.ts';
import { compareRollups } from './handlers/reconcile/rollups.ts';
import { compareRows } from './handlers/reconcile/rows.ts';
import { compareSequences } from './handlers/reconcile/sequences.ts';
import { Reconciler } from './handlers/reconciler.ts';
import { Rollups } from './handlers/rollups.ts';
import { Sums } from './handlers/sums.ts';
import { Writer } from './handlers/writer.ts';
import { repeat } from './repeating.ts';

const kind = 'analytics';
const probeEveryMs = 2000;
const countersAnswerMs = 5000;
const limitEventsMax = 500;

export async function start(scope: Scope): Promise<{ address?: string }> {
  const config = readConfig(scope.environment);
  const { logger, metrics, replica, stopping } = scope;
  const now = Date.now;
  const wait = (ms: number, signal: AbortSignal) => delay(ms, undefined, { signal });

  const client = connect({ url: config.clickhouse.url, application: replica });
  scope.defer('ledger', () => client.close());
  const ledger = new LedgerStore(client);
  scope.health.check('ledger', () => ledger.fault ?? true);

  const bus = await connectBus({ env: config.nats, service: kind, replica, logger, metrics });
  scope.defer('bus', () => bus.close());
  scope.health.check('nats', () => bus.connected() || 'NATS is away');

  const { TOLLGATE_ANALYTICS_BATCH_MAX: batchMax, TOLLGATE_ANALYTICS_PAUSE_MS: pauseMs } = config;
  const writer = new Writer({ ledger, batchMax, pauseMs, stopping, logger, metrics, now, wait });
  const consuming = consume(scope, 'usage', () =>
    bus.consumeUsage({
      durable: usageConsumers.ledger,
      batchMax,
      onBatch: (messages) => writer.write(messages),
    }),
  );
  scope.health.check('usage', () => consuming.consumer !== undefined || 'the USAGE stream was not reached yet');
  watchPending(scope, consuming);
  watchFill(scope, bus);
  const limitEvents = new LimitEvents({ ledger, metrics });
  consume(scope, 'limit events', () =>
    bus.consumeLimitEvents({
      durable: eventConsumers.ledger,
      batchMax: limitEventsMax,
      onBatch: (messages) => limitEvents.write(messages),
    }),
  );

  const rollups = new Rollups({ ledger, logger, metrics, now });
  repeat(scope, 'rollups', config.TOLLGATE_ANALYTICS_ROLLUP_MS, () => rollups.refresh());
  repeat(scope, 'probe', probeEveryMs, () => ledger.probe().catch(() => {}));

  const sums = new Sums({ ledger, consumer: () => consuming.consumer, logger, metrics, now });
  const answer = async (bytes: Uint8Array, reply: string) => bus.reply(reply, await sums.answer(bytes));
  const asked = bus.subscribe(subjects.ledgerSums, (bytes, reply) => void answer(bytes, reply), { queue: kind });
  scope.drain('sums', () => asked.drain());
  reconcile(scope, bus, ledger, config.TOLLGATE_ANALYTICS_RECONCILE_MS);
  return {};
}

function reconcile(scope: Scope, bus: Bus, ledger: LedgerStore, everyMs: number): void {
  const { logger, metrics } = scope;
  const now = Date.now;
  const counters = async (skip: number) => {
    const bytes = encode(BudgetCountersRequest, { skip });
    return BudgetCountersReply.decode(await bus.request(subjects.budgetCounters, bytes, countersAnswerMs));
  };
  const wait = (ms: number) => delay(ms, undefined, { signal: scope.stopping });
  const replaced = new Map<number, number>();
  const compare = {
    rows: () => compareRows({ ledger, bus, replaced, random: Math.random }),
    sequences: () => compareSequences({ ledger, bus, counters, now }),
    budgets: () => compareBudgets({ ledger, bus, counters, now, wait }),
    rollups: () => compareRollups({ ledger, now, wait, random: Math.random }),
  };
  const reconciler = new Reconciler({ ledger, compare, everyMs, logger, metrics, now });
  repeat(scope, 'reconciler', everyMs, () => reconciler.work());
  const answer = async (reply: string) => bus.reply(reply, await reconciler.answer());
  const asked = bus.subscribe(subjects.ledgerReconcile, (_bytes, reply) => void answer(reply), { queue: kind });
  scope.drain('reconciler', () => asked.drain());
}

interface Consuming<Consumer> {
  consumer: Consumer | undefined;
}

/** Streams are made by the console, which may start later than this: begins as soon as one is there. */
function consume<Consumer extends BatchConsumer>(
  scope: Scope,
  name: string,
  begin: () => Promise<Consumer>,
): Consuming<Consumer> {
  const consuming: Consuming<Consumer> = { consumer: undefined };
  const trying = async () => {
    for (let failures = 0; !scope.stopping.aborted; ) {
      try {
        consuming.consumer = await begin();
        return;
      } catch (error) {
        failures++;
        scope.logger.info({ err: error, failures, stream: name }, 'the stream is not there yet; trying again');
        await delay(backoffMs(failures), undefined, { signal: scope.stopping }).catch(() => {});
      }
    }
  };
  const begun = trying();
  scope.drain(name, async () => {
    await begun;
    await consuming.consumer?.stop();
  });
  return consuming;
}

function watchPending(scope: Scope, consuming: Consuming<UsageConsumer>): void {
  const pending = scope.metrics.gauge(
    'tollgate_ledger_usage_pending',
    'Messages of USAGE that are not in the ledger yet',
  );
  repeat(scope, 'pending', probeEveryMs, async () => {
    const count = await consuming.consumer?.pending().catch(() => undefined);
    if (count !== undefined) pending.set(count);
  });
}

/** A full stream takes no usage, and then nobody is admitted: an alert must come before. */
function watchFill(scope: Scope, bus: Pick<Bus, 'usageState'>): void {
  const bytes = scope.metrics.gauge('tollgate_usage_stream_bytes', 'What the stream USAGE holds on disk');
  const bytesMax = scope.metrics.gauge('tollgate_usage_stream_max_bytes', 'At so many it takes no more; 0: no bound');
  repeat(scope, 'fill', probeEveryMs, async () => {
    const state = await bus.usageState().catch(() => undefined);
    if (!state) return;
    bytes.set(state.bytes);
    bytesMax.set(state.bytesMax);
  });
}
