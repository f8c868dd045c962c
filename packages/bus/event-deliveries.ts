import { AckPolicy, DeliverPolicy, type JsMsg, jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import { LimitEvent } from '@tollgate/contracts';
import type { Logger } from '@tollgate/telemetry';
import { eventStream, subjects } from './subjects.ts';

/** Over with this event, or try it again after so long. */
export type DeliveryVerdict = 'done' | { retryAfterMs: number };

export interface EventDeliveriesOptions {
  /** Who is told: it has a queue of its own, shared by all replicas, that goes on where it was. */
  name: string;
  organizationId: string;
  /** A queue that is new begins with the events since then. */
  sinceMs: number;
  /** Events that one replica delivers at once. */
  atOnceMax: number;
  /** @param attempt from 1, counted over all replicas. When it rejects, the event is given to another replica. */
  deliver(event: LimitEvent, attempt: number, signal: AbortSignal): Promise<DeliveryVerdict>;
}

export interface Backlog {
  undelivered: number;
  /** When the oldest of them was told; absent without one. */
  oldestAtMs?: number;
}

export interface EventDeliveries {
  /** True: nothing comes any more, since somebody forgot the queue. */
  ended(): boolean;
  /** Ends what runs: other replicas get it. */
  stop(): Promise<void>;
  backlog(): Promise<Backlog>;
}

/** Longer than a delivery may take; then what a killed replica had goes to another. */
const ackWaitMs = 30_000;
/** Events that wait for their next attempt; beyond it this queue alone stands still. */
const waitingMax = 1000;
const prefix = 'webhook-';

/**
 * Delivers events of limits to one receiver, each at least once.
 * @throws Error when the stream is not there, or JetStream is away
 */
export async function deliverEvents(
  nc: NatsConnection,
  logger: Logger,
  options: EventDeliveriesOptions,
): Promise<EventDeliveries> {
  const durable = prefix + options.name;
  const filter = subjects.limitEvent(options.organizationId, '*');
  const jsm = await jetstreamManager(nc, { checkAPI: false });
  const changeable = {
    filter_subject: filter,
    ack_wait: ackWaitMs * 1e6,
    max_ack_pending: waitingMax,
    max_deliver: -1,
  };
  const known = await jsm.consumers.info(eventStream, durable).catch(() => undefined);
  if (known) await jsm.consumers.update(eventStream, durable, changeable);
  else {
    await jsm.consumers.add(eventStream, {
      durable_name: durable,
      ack_policy: AckPolicy.Explicit,
      deliver_policy: DeliverPolicy.StartTime,
      opt_start_time: new Date(options.sinceMs).toISOString(),
      ...changeable,
    });
  }
  const running = new AbortController();
  const consumer = await jetstream(nc).consumers.get(eventStream, durable);
  const messages = await consumer.consume({
    max_messages: options.atOnceMax,
    idle_heartbeat: 5000,
    expires: 30_000,
    abort_on_missing_resource: true,
  });
  let ended = false;
  const reading = read(messages, logger, options, running.signal)
    .catch((error: unknown) => logger.warn({ err: error, webhook: options.name }, 'deliveries interrupted'))
    .finally(() => {
      ended = true;
    });
  return {
    ended: () => ended,
    async stop() {
      running.abort();
      await messages.close();
      await reading;
    },
    async backlog() {
      const { num_pending, num_ack_pending, ack_floor } = await jsm.consumers.info(eventStream, durable);
      const undelivered = num_pending + num_ack_pending;
      if (undelivered === 0) return { undelivered };
      const seq = ack_floor.stream_seq + 1;
      const oldest = await jsm.direct.getMessage(eventStream, { seq, next_by_subj: filter });
      return oldest ? { undelivered, oldestAtMs: oldest.time.getTime() } : { undelivered };
    },
  };
}

/** Forgets queues of receivers that are not configured any more, with what waits in them. Returns their names. */
export async function forgetDeliveries(nc: NatsConnection, kept: ReadonlySet<string>): Promise<string[]> {
  const jsm = await jetstreamManager(nc, { checkAPI: false });
  const forgotten: string[] = [];
  for await (const { name } of jsm.consumers.list(eventStream)) {
    if (name.startsWith(prefix) && !kept.has(name.slice(prefix.length))) forgotten.push(name.slice(prefix.length));
  }
  for (const name of forgotten) await jsm.consumers.delete(eventStream, prefix + name);
  return forgotten;
}

async function read(
  messages: AsyncIterable<JsMsg>,
  logger: Logger,
  options: EventDeliveriesOptions,
  signal: AbortSignal,
): Promise<void> {
  const running = new Set<Promise<void>>();
  try {
    for await (const message of messages) {
      const one = handle(message, logger, options, signal).finally(() => running.delete(one));
      running.add(one);
      if (running.size >= options.atOnceMax) await Promise.race(running);
    }
  } finally {
    await Promise.all(running);
  }
}

async function handle(
  message: JsMsg,
  logger: Logger,
  options: EventDeliveriesOptions,
  signal: AbortSignal,
): Promise<void> {
  try {
    signal.throwIfAborted();
    const verdict = await options.deliver(LimitEvent.decode(message.data), message.info.deliveryCount, signal);
    if (verdict === 'done') message.ack();
    else message.nak(verdict.retryAfterMs);
  } catch (error) {
    if (!signal.aborted) logger.error({ err: error, webhook: options.name }, 'an event was not handled');
    message.nak(signal.aborted ? 0 : handleAgainMs);
  }
}

const handleAgainMs = 5000;
